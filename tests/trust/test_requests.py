import base64
import io
import json

import soundfile

from trust.requests import service


def test_a_sound_above_the_models_highest_frequency_is_refused() -> None:
    file = io.BytesIO()
    soundfile.write(file, [0.5, -0.5] * 4096, 44_100, format="WAV")
    body = json.dumps({"audio": base64.b64encode(file.getvalue()).decode()})
    answer = service().simulate_post("/invocations", body=body)
    assert answer.status == "400 Bad Request"
    assert "audio has no sound" in answer.json["description"]
