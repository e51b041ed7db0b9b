"""What came out of a run, to look at and to listen to: report.html, report.json, samples/."""
