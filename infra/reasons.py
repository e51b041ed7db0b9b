"""What AWS and the training script say about a failure, as one sentence for a person."""

from infra.console import training_quotas_url

# AWS wraps a sentence of the script in "AlgorithmError: ..., exit code: 1", where the toolkit may
# have put the end of the script's stderr, and adds "(Service: ...; Request ID: ...)" to its own.
SENTENCE = r"""
$sentence := function($text) {(
  $text := $replace($text, /^AlgorithmError: /, '');
  $text := $replace($text, /, exit code: -?[0-9]+\s*$/, '');
  $text := $contains($text, 'ErrorMessage "') ? $substringAfter($text, 'ErrorMessage "') : $text;
  $text := $substringBefore($text, '"' & "\nCommand ");
  $text := $substringBefore($text, ' (Service: ');
  $text := $substringBefore($text, '. Please use AWS Service Quotas');
  $text := $split("\n" & $text, "\nerror: ")[-1];
  $text := $split("\n" & $text, '"error: ')[-1];
  $text := $trim($replace($text, /\s+/, ' '));
  $text = '' ? 'AWS gave no reason' : $replace($text, /\.$/, '')
)};
"""

# AWS has no such instance for us now, but may have another
_ELSEWHERE = "ResourceLimitExceeded|CapacityError|InsufficientCapacity"
_BUSY = "Throttl|TooManyRequests|Rate exceeded"


def sentence_of_error(did: str) -> str:
    """Write an expression for a Catch: `did`, and why that failed."""
    return f"""(
  {SENTENCE}
  {did!r} & ' failed: ' & $sentence('' & $states.errorOutput.Cause) & '.'
)"""


def training_attempt() -> str:
    """Write an expression for a Catch: the attempts so far and the one that just failed.

    Each is `{instance_type, reason, job?, elsewhere, busy}`; `elsewhere` says that another instance
    type may do, `busy` that the same one may do a little later. The cause of a job that ran is its
    description in JSON, that of a refused one a text.
    """
    return f"""(
  {SENTENCE}
  $error := '' & $states.errorOutput.Error;
  $cause := '' & $states.errorOutput.Cause;
  $text := function($value) {{ $type($value) = 'string' ? $value : '' }};
  $job := $substring($cause, 0, 1) = '{{' and $substring($cause, -1) = '}}' ? $parse($cause) : {{}};
  $why := $text($job.FailureReason);
  [$append($attempts, {{
    'instance_type': $request.instance_types[$type_index],
    'job': $text($job.TrainingJobName),
    'reason': $why != '' ? $sentence($why)
      : $job.SecondaryStatus = 'MaxRuntimeExceeded'
        ? 'it did not finish within max_runtime_minutes = ' & $request.max_runtime_minutes
      : $job.SecondaryStatus = 'MaxWaitTimeExceeded'
        ? 'there was too little spare capacity to finish in time (spot: false asks for none)'
      : $job.TrainingJobStatus = 'Stopped' ? 'it was stopped'
      : $sentence($cause = '' ? $error : $cause),
    'elsewhere': $exists($job.TrainingJobName)
      ? $contains($why, /^({_ELSEWHERE}|{_BUSY})/) or $job.SecondaryStatus = 'MaxWaitTimeExceeded'
      : $contains($error & ' ' & $cause, /{_ELSEWHERE}|{_BUSY}/),
    'busy': $exists($job.TrainingJobName)
      ? $contains($why, /^({_BUSY})/)
      : $contains($error & ' ' & $cause, /{_BUSY}/)
  }})]
)"""


def training_failure(region: str) -> str:
    """Write an expression that lists every attempt, and where a quota of 0 is raised."""
    return f"""(
  'Training failed ' & $join($map($attempts, function($attempt) {{
    'on ' & $attempt.instance_type & ($attempt.job = '' ? '' : ' (job ' & $attempt.job & ')')
      & ': ' & $attempt.reason
  }}), '; ') & '.' & (
    $count($filter($attempts, function($attempt) {{
      $contains($attempt.reason, /service limit .* is 0 Instances/)
    }})) > 0
      ? ' A quota of 0 is raised at {training_quotas_url(region)} (look for "training job usage").'
      : ''
  )
)"""
