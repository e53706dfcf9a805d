import { useState } from 'preact/hooks';
import type { RequestEntry } from '../server/console-api';
import { formatDuration } from './format';
import { Text } from './invocations-view';
import { Badge, Choices, Empty, Moment, Search, useGrowing, ViewHead } from './parts';
import { linkTo } from './route';
import type { Stage } from './videos';

const ROWS_AT_ONCE = 150;
/** `all`, `refused` or a service. */
type Choice = string;

/** Those that always have a choice of their own; others once they were asked. */
const SERVICES = ['FunctionGraph', 'API Gateway', 'OBS', 'MPC'];

/** What came over HTTP, and why something was refused. */
export function RequestsView({ requests }: { requests: readonly RequestEntry[] }) {
  const [choice, setChoice] = useState<Choice>('all');
  const [text, setText] = useState('');
  const wanted = text.trim().toLowerCase();
  const found = requests.filter(
    (request) =>
      (choice === 'all' || (choice === 'refused' ? request.status >= 400 : request.service === choice)) &&
      (wanted === '' ||
        `${request.method} ${request.path} ${request.status} ${request.errorCode}`
          .toLowerCase()
          .includes(wanted)),
  );
  const services = [...new Set([...SERVICES, ...requests.map(({ service }) => service)])];
  const { shown, end } = useGrowing(found.length, ROWS_AT_ONCE);
  return (
    <>
      <ViewHead title="Requests" />
      <div class="toolbar">
        <Choices
          label="Which requests"
          chosen={choice}
          onChoose={setChoice}
          choices={[
            { value: 'all', label: 'All' },
            ...services.map((service) => ({ value: service, label: service })),
            {
              value: 'refused',
              label: 'Refused',
              count: requests.filter(({ status }) => status >= 400).length,
            },
          ]}
        />
        <Search label="Path, method, status or code" value={text} onInput={setText} />
      </div>
      {found.length === 0 ? (
        <Empty title={requests.length === 0 ? 'No request yet' : 'No request fits'} />
      ) : (
        <div class="table requests">
          <div class="table-head" aria-hidden="true">
            <span>Status</span>
            <span>Service</span>
            <span>Request</span>
            <span class="right">Duration</span>
            <span class="right">Time</span>
          </div>
          {found.slice(0, shown).map((request) => (
            <RequestRow key={request.id} request={request} />
          ))}
        </div>
      )}
      {end}
    </>
  );
}

function kindOf(status: number): Stage['kind'] {
  if (status >= 500) return 'bad';
  return status >= 400 ? 'waiting' : 'idle';
}

function RequestRow({ request }: { request: RequestEntry }) {
  const { service, method, path, status, errorCode, detail, timeMs, durationMs, invocationId, signature } =
    request;
  const cells = (
    <>
      <span>
        <Badge kind={kindOf(status)}>{status}</Badge>
      </span>
      <span class="quiet">{service}</span>
      <span class="request-line">
        <b>{method}</b> <bdi>{path}</bdi>
        {errorCode !== undefined && <span class="error-code">{errorCode}</span>}
        {signature !== undefined && <span class="badge bad">signature</span>}
      </span>
      <span class="right num">{formatDuration(durationMs)}</span>
      <span class="right">
        <Moment timeMs={timeMs} />
      </span>
    </>
  );
  if (detail === undefined && signature === undefined && invocationId === undefined) {
    return <div class="entry plain">{cells}</div>;
  }
  return (
    <details class="entry">
      <summary>{cells}</summary>
      <div class="entry-body">
        {detail !== undefined && (
          <p>
            <bdi>{detail}</bdi>
          </p>
        )}
        {signature !== undefined && <Verdict {...signature} />}
        {invocationId !== undefined && (
          <p>
            <a href={linkTo('invocations', invocationId)}>Invocation and log</a>
          </p>
        )}
      </div>
    </details>
  );
}

/** What the signature doctor found. */
function Verdict({ explanation, difference, expected }: NonNullable<RequestEntry['signature']>) {
  return (
    <section class="doctor" aria-label="Signature">
      <h3>Why the signature was refused</h3>
      <p>
        <bdi>{explanation}</bdi>
      </p>
      {difference !== undefined && (
        <dl class="difference">
          <dt>{difference.line}</dt>
          <dd>
            <span class="quiet">client</span> <code>{difference.client}</code>
          </dd>
          <dd>
            <span class="quiet">service</span> <code>{difference.service}</code>
          </dd>
        </dl>
      )}
      {expected !== undefined && <Text title="What the service signed" text={expected} />}
    </section>
  );
}
