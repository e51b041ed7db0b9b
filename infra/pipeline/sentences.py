"""What an execution says when it ends, and what to do about it; the page lists them.

`…` stands for what an execution fills in. The sentences themselves are in queries/*.jsonata and in
the definitions; a test holds the two together.
"""

from typing import NamedTuple


class Sentence(NamedTuple):
    """A sentence, and what whoever reads it can do."""

    says: str
    do: str


WRONG_INPUT = (
    Sentence("The input must be an object such as {}, but is ….", "Start it with `{}`."),
    Sentence(
        '"…" is not a field of the input; there are …. It is a hyperparameter: write '
        '{"hyperparameters": {"…": …}}.',
        "Look for a slip of the pen; the second sentence is there if the name is a hyperparameter.",
    ),
    Sentence(
        "data must be a folder under …audio/ or spectrograms/, but is ….",
        "Name a folder of the bucket, such as `audio/drums/`.",
    ),
    Sentence(
        'hyperparameters must be an object such as {"epochs": 60}, but is ….',
        "Put names and values into braces.",
    ),
    Sentence(
        '"…" is not a hyperparameter; there are …. hyperparameters.… must be …, but is ….',
        "All names, limits and defaults are in "
        "[hyperparameters.json](../training/hyperparameters.json).",
    ),
    Sentence(
        'instance_types must be a list of 1 to … instance types such as ["ml.g5.xlarge"], '
        "but is ….",
        "Write a list, also of one.",
    ),
    Sentence(
        "… must be …, but is ….",
        "`instance_count`, `max_runtime_minutes`, `prepare`, `promote` and `spot` say so what they "
        "take.",
    ),
    Sentence(
        'prepare cannot be "always" where jobs have no network (network_isolation): leave it out.',
        "Such sounds are read as they are by every training job.",
    ),
    Sentence(
        'prepare cannot be "always" for data under …spectrograms/, which is prepared: leave it '
        "out.",
        "Do that.",
    ),
    Sentence(
        "model must be a text / the URL of an archive in the bucket, such as "
        "s3://…<training job>/output/model.tar.gz, but is ….",
        "Paste `promote_with` or `previous_model` of an earlier execution as the whole input.",
    ),
    Sentence(
        'start_from must be a text / "served" or the URL of an archive in the bucket, such as '
        "s3://…<training job>/output/model.tar.gz, but is ….",
        '`"served"` goes on from what the endpoint serves, `promote_with` of an execution has the '
        "URL of its model.",
    ),
    Sentence(
        "With the field model nothing is trained: leave out ….",
        "Leave those fields out, or `model`.",
    ),
    Sentence(
        "With the field generate nothing is trained: leave out ….",
        "Leave those fields out, or `generate`.",
    ),
    Sentence(
        "instance_count must be 1, as training runs on one machine, but is ….",
        "Only with `generate` it may be more.",
    ),
    Sentence(
        'generate must be an object such as {"labels": {"seven": 1000}} / an object with one of …, '
        "but is ….",
        "Say what is wanted in one way: [sounds in bulk](generation.md).",
    ),
    Sentence(
        '"…" is not a field of generate; there are …. generate.… must be …, but is ….',
        "Look for a slip of the pen.",
    ),
    Sentence(
        "generate.labels must be an object of 1 to … labels with how many sounds there shall be of "
        'each, such as {"seven": 1000}, but is ….',
        "Write labels with numbers; of more labels make several runs.",
    ),
    Sentence(
        "generate.requests must be a .jsonl file under requests/, or a folder there that ends in a "
        "slash, but is ….",
        "Name a file or a folder of the bucket, such as `requests/drums.jsonl`.",
    ),
    Sentence(
        "generate.resume must be the name of a run, as its folder below generated/ is called, but "
        "is ….",
        "`run` of an execution's output, or the sentence of one that failed, has it.",
    ),
    Sentence(
        "With generate.… the requests are there already: leave out generate.….",
        "Every request has a seed and a temperature of its own.",
    ),
    Sentence(
        "The served model refuses what generate asks for: ….",
        "The model's own words: a label that it does not have, for example.",
    ),
    Sentence(
        "generate asks for more than … sounds, the most of one run: make several, each with "
        "another seed.",
        "Begin each with the seed after the last one.",
    ),
    Sentence(
        "There is no file of requests at s3://…: put a .jsonl file there, with a request such as "
        '{"label": "seven", "count": 10} in every line.',
        "Upload it, or let `soundvae generate --requests FILE` do it.",
    ),
    Sentence(
        "There are more than … files of requests under s3://…, the most of one run: name a folder "
        "with fewer.",
        "Put them into several folders, and make a run of each.",
    ),
    Sentence(
        "… has more than … MB, the most of a file of requests: split it, as soundvae generate "
        "does.",
        "`soundvae generate --requests FILE` splits and uploads it.",
    ),
    Sentence(
        "There is no run … to go on with: name one as its folder below generated/ is called.",
        "A run that ended before its requests were written is begun anew.",
    ),
    Sentence(
        "There is no model at …: name one that is in the bucket.",
        "It was deleted, or never there: look below `models/` and `output/`.",
    ),
    Sentence(
        "There is no model to start from at …: name one that is in the bucket, or leave out "
        "start_from.",
        "The same.",
    ),
    Sentence(
        "There is no sound / There is only one sound / There are only … sounds under … and "
        "training (on … machines) needs at least …: "
        "upload … files there, or prepared .npy spectrograms, or name another folder in the "
        "field data.",
        "Do that. Sub-folders count. Each of several machines gets a share, and needs two sounds.",
    ),
)

NOT_STARTED = (
    Sentence(
        "Checking the input failed: ….",
        "S3 or SSM did not answer, or a permission is missing: start again; deploy again if it "
        "names a permission.",
    ),
    Sentence(
        "Repairing what an earlier execution left failed: ….",
        "The endpoint is not as it was recorded. Look at it in the SageMaker console; the next "
        "execution tries again.",
    ),
)

PREPARATION_FAILED = (
    Sentence(
        "Preparing the sounds failed in the job …: ….",
        "What it could not do stands there: a file or a setting, or a permission, for which deploy "
        "again.",
    ),
    Sentence(
        "…it was stopped, or did not finish within max_runtime_minutes = …",
        "Give it more minutes or a higher `instance_count`, and start again: it goes on there.",
    ),
    Sentence(
        ' Raise "…" at … and start again when it is granted.',
        "The quotas of processing jobs are others than those of training.",
    ),
    Sentence(
        ' Shards that were finished are kept; {"prepare": "never"} trains on the files as they '
        "are.",
        "Start again, which does the rest, or do without.",
    ),
    Sentence("Preparing the sounds failed: ….", "AWS says why."),
)

PREPARED_OR_NOT = (
    Sentence('prepare is "…"', "As the input says."),
    Sentence("they are prepared spectrograms", "As below `spectrograms/`."),
    Sentence("jobs have no network", "With the setting `network_isolation`."),
    Sentence(
        "there are … sounds or more, from where on it pays",
        'Nothing to do; `{"prepare": "never"}` leaves it out.',
    ),
    Sentence(
        "there are at least … sounds, and it pays from … on",
        'Nothing to do; `{"prepare": "always"}` prepares them all the same.',
    ),
)

TRAINING_FAILED = (
    Sentence(
        'Training failed on … (spot) (job …): …. Raise "…" at … and start again when it is '
        "granted.",
        "One reason for each attempt, in their order. Where a quota was too low, the link leads "
        "to it; new accounts have zero of most.",
    ),
    Sentence(
        "…it did not finish within max_runtime_minutes = …",
        "Give it more minutes or fewer epochs.",
    ),
    Sentence(
        "…there was no spare capacity within … minutes",
        "The same type was then tried on demand: read on for its reason.",
    ),
    Sentence("…it was stopped", "By somebody, in the SageMaker console or by the API."),
    Sentence(
        "…AWS gave no reason",
        "The job's log is in CloudWatch, group `/aws/sagemaker/TrainingJobs`.",
    ),
    Sentence(
        "…any other reason",
        "The training script's own sentence, which names the file or the value.",
    ),
)

PROMOTION_FAILED = (
    Sentence(
        "The new model answers with silence.",
        "Train on louder or on more sounds; the report of the run has some to listen to.",
    ),
    Sentence(
        "The endpoint … does not serve the new model… (…): ….",
        "AWS says why. With an archive of your own: it must be one that the training job wrote.",
    ),
    Sentence(
        "The endpoint … does not serve … the former model (…): it took longer than … minutes.",
        "Give it more `endpoint_update_minutes`, and start again.",
    ),
    Sentence(
        "The endpoint … cannot be updated: its status is ….",
        "Look at it in the SageMaker console. One that is `Failed` cannot be mended: `cdk "
        "destroy`, then `cdk deploy` with the bucket in `bucket_name`, and promote the model "
        "again.",
    ),
    Sentence(
        "A deployment of the stack … has been under way for more than … minutes: start again when "
        "it has ended.",
        "Do that; CloudFormation's console says what it waits for.",
    ),
    Sentence(
        "One deployment after the other gave the endpoint … another config.",
        "Deploy less often, or start again in a quiet minute.",
    ),
    Sentence(
        "Another execution has been promoting for too long: …. Stop it, and start this one again.",
        "Do that: the next execution repairs what it left.",
    ),
    Sentence(
        "It is no longer the turn of this execution to change the endpoint, but that of ….",
        "Another one took over, as this one seemed to have ended. Start again.",
    ),
    Sentence("Promoting failed: ….", "AWS says why; a denied permission asks for a deployment."),
)

GENERATION_FAILED = (
    Sentence(
        'Making the sounds failed on … (job …): …. Raise "…" at …. What was made is kept: go on '
        'with {"generate": {"resume": "…"}}.',
        "One reason for each attempt. If it is `See job logs`, they are in CloudWatch, group "
        "`/aws/sagemaker/TransformJobs`, in the stream that ends in `data-log`. Then paste the "
        "input: only what is missing is made.",
    ),
    Sentence(
        "The served model was trained by an earlier version, which makes no sounds in bulk: train "
        "again, or promote a newer model.",
        "The code that answers is a part of every model. Train again.",
    ),
    Sentence("The endpoint … does not answer: ….", "Its log is in CloudWatch."),
    Sentence(
        "Generating sounds failed: ….",
        "AWS says why; a denied permission asks for a deployment.",
    ),
)

APPENDED = (
    Sentence(" The endpoint serves again what it served before.", "Nothing to do."),
    Sentence(
        " Meanwhile a deployment gave it another config.",
        "Nothing to do: it serves what was recorded, with the deployed settings.",
    ),
    Sentence(
        ' What was trained is kept: promote it with {"model": "…"}.',
        "Paste that as the input when the cause is mended; nothing has to be trained again.",
    ),
    Sentence(
        " The endpoint … could not be brought back to its former config: look at it in the "
        "SageMaker console, or start another execution, which tries again.",
        "Do one of the two: what it serves now was not approved.",
    ),
)

KEPT_BACK = (
    Sentence('promote is "never"', "As you wished. `promote_with` serves it."),
    Sentence(
        "its sounds lie … from recordings, those of the served model …",
        "They are less like the recordings that were held back. Train longer or on more sounds, or "
        "promote it all the same.",
    ),
    Sentence(
        "… % of its sounds are copies of training clips",
        "It plays back what it was given. Train for fewer epochs, or on more sounds.",
    ),
    Sentence(
        "its validation loss is …, that of the served model …",
        "It is no better. Train longer or on more sounds, or promote it all the same.",
    ),
    Sentence(
        "its accuracy is …, that of the served model …",
        "A recogniser hears fewer of its sounds as what they should be.",
    ),
    Sentence(
        "the two cannot be compared: …",
        "They differ in labels, rate or length. Listen to the report, then promote it by hand.",
    ),
    Sentence(
        "another model was promoted while this one trained (…), so the two were never compared",
        "Train again, or promote it by hand.",
    ),
    Sentence(
        "the served model is no longer in the bucket (…), so there is nothing to compare with and "
        "there would be no way back",
        "Promote it by hand if you do not mind.",
    ),
    Sentence(
        "the job left no summary, so nothing is known of the new model",
        "Look at the job's log; summary.json is written at its very end.",
    ),
    Sentence("the job reported no comparison with the served model", "Look at the job's log."),
    Sentence("the job gave no validation loss to compare", "Look at the job's log."),
)

PROMOTED = (
    Sentence(
        "its sounds lie … from recordings, those of the served model …",
        "Both were measured on the same recordings: timbre, loudness and fine structure.",
    ),
    Sentence(
        "its validation loss is …, that of the served model …",
        "The same, by how well they code held-back clips, where these are too few for the other.",
    ),
    Sentence('the input names this model; promote is "always"', "It was not compared."),
    Sentence(
        "it takes the place of the starter, which was made for other sounds",
        "The two were not compared, as they differ in labels, rate or length.",
    ),
    Sentence(
        "the archive of the model that was served before is gone (…), so there is no way back to "
        "it",
        "A warning, in the output's `warnings`.",
    ),
)

SECTIONS = (
    (
        "A mistake in the input",
        "`SoundVae.WrongInput`: found before anything costs money, and no incident: no alarm.",
        WRONG_INPUT,
    ),
    ("It did not begin", "`SoundVae.NotStarted`: nothing has cost anything yet.", NOT_STARTED),
    (
        "Preparing the sounds",
        "`SoundVae.PreparationFailed`: nothing was trained.",
        PREPARATION_FAILED,
    ),
    ("Training", "`SoundVae.TrainingFailed`: the endpoint was not touched.", TRAINING_FAILED),
    (
        "Promotion",
        "`SoundVae.PromotionFailed`: the former config was brought back.",
        PROMOTION_FAILED,
    ),
    (
        "Making sounds in bulk",
        "`SoundVae.GenerationFailed`: neither the endpoint nor the sounds that were made before "
        "are touched.",
        GENERATION_FAILED,
    ),
    ("What is added to these", "After a promotion that failed:", APPENDED),
    (
        "No failure, but not promoted",
        "The output's `why`, beside `promote_with`, the input that promotes it all the same:",
        KEPT_BACK,
    ),
    (
        "Prepared or not",
        "The output's `preparation`, whose `why` it is:",
        PREPARED_OR_NOT,
    ),
    ("Promoted", "The output's `why` and `warnings`:", PROMOTED),
)
