"""The section of the data: what is used, what not and why, how long, at which rate."""

from sound_vae.quality.report.examples import seconds_heard
from sound_vae.quality.report.run import Run
from sound_vae.quality.report.svg import bars, histogram, text

MOST_REASONS, MOST_BARS, MOST_MEASURED = 20, 40, 5_000


def data_section(run: Run) -> str:
    """Show what became of the files, and what the clips are like."""
    report = run.data.report
    skipped = "".join(
        f"<tr><td class='value'>{count:,}<td>{text(reason)}<td><code>{text(example)}</code>"
        for reason, count, example in list(report.reasons())[:MOST_REASONS]
    )
    table = (
        f"<div class='wide'><table><tr><th>files<th>why they were skipped<th>for example{skipped}"
        "</table></div>"
        if skipped
        else "<p>No file was skipped.</p>"
    )
    transform = run.model.transform
    seconds = seconds_heard(run.data, MOST_MEASURED, run.args.seed)
    charts = [
        f"<figure><figcaption>How long the sounds are, up to the {transform.seconds:.2f} s of a "
        f"clip</figcaption>{histogram(seconds, across='s', up='clips')}</figure>"
    ]
    if report.source_rates:
        rates = {f"{rate:,} Hz": count for rate, count in sorted(report.source_rates.items())}
        rates = dict(list(rates.items())[:MOST_BARS])
        charts.append(
            "<figure><figcaption>Sample rates of the files; the model has "
            f"{transform.sample_rate:,} Hz</figcaption>{bars(rates, unit='files')}</figure>"
        )
    if report.labels:
        most = dict(sorted(report.labels.items(), key=lambda item: -item[1])[:MOST_BARS])
        rest = len(report.labels) - len(most)
        more = f"; {rest} more labels are not shown" if rest else ""
        charts.append(
            f"<figure><figcaption>Clips of each label{more}</figcaption>{bars(most, unit='clips')}"
            "</figure>"
        )
    cut = ""
    if report.cut:
        ones = "one was" if report.cut == 1 else "ones were"
        cut = f"{report.cut:,} long {ones} cut into {report.pieces:,} clips; of all clips "
    return (
        f"<section><h2>The data</h2><p>{report.used:,} of {report.files:,} files are used: "
        f"{cut}{len(run.training):,} to learn from, {len(run.validation):,} held back to check "
        "with. "
        f"{report.padded:,} were padded with silence, {report.cropped:,} cut off.</p>{table}"
        f"<div class='charts'>{''.join(charts)}</div></section>"
    )
