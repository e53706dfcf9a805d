import type { Explanation, ExplanationStep } from '../server/console-api';
import type { Fetched } from './fetched';
import { Moment } from './moment';
import { Badge } from './parts';
import { linkTo } from './route';
import type { Stage } from './videos';

const VERDICTS: Record<Explanation['verdict'], { kind: Stage['kind']; label: string }> = {
  captured: { kind: 'good', label: 'Captured' },
  in_progress: { kind: 'working', label: 'In progress' },
  not_captured: { kind: 'idle', label: 'Not captured' },
  not_found: { kind: 'idle', label: 'Not found' },
};

/** The outcome of a key, and why. */
export function ExplanationPanel({ value, problem }: Fetched<Explanation>) {
  if (value === undefined) {
    return problem === undefined ? (
      <div class="skeleton steps-skeleton" aria-hidden="true" />
    ) : (
      <p class="problem">{problem}</p>
    );
  }
  const { kind, label } = VERDICTS[value.verdict];
  return (
    <div class="explanation">
      <p class="verdict">
        <Badge kind={kind}>{label}</Badge> <code>{value.reason}</code>
      </p>
      <p>
        <bdi>{value.summary}</bdi>
      </p>
      {value.remedy !== undefined && (
        <p class="remedy">
          <bdi>{value.remedy}</bdi>
        </p>
      )}
      <ol class="steps">
        {value.steps.map((step, index) => (
          <Step key={index} step={step} />
        ))}
      </ol>
    </div>
  );
}

const STATES: Record<ExplanationStep['state'], string> = {
  ok: 'done',
  waiting: 'in progress',
  problem: 'problem',
  unknown: 'not known',
};

function Step({ step }: { step: ExplanationStep }) {
  const { what, state, text, timeMs, requestId } = step;
  return (
    <li class={`step step-${state}`}>
      <span class="step-what">
        {what}
        <span class="visually-hidden">, {STATES[state]}</span>
      </span>
      <span class="step-text">
        <bdi>{text}</bdi>
        {requestId !== undefined && (
          <>
            {' '}
            <a href={linkTo('invocations', requestId)}>log</a>
          </>
        )}
      </span>
      {timeMs !== undefined && <Moment timeMs={timeMs} />}
    </li>
  );
}
