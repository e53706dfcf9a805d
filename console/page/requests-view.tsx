import type { RequestEntry } from '../server/console-api';
import { TextBox, Value } from './copy';
import { formatDuration } from './format';
import { Moment } from './moment';
import { Badge, Choices, Empty, Key, Search, useGrowing, ViewHead } from './parts';
import { fits, linkTo, useChoice, useSearchText } from './route';
import { Table } from './table';
import type { Stage } from './videos';

const ROWS_AT_ONCE = 150;

/** These always have a filter; other services once they were called. */
const SERVICES = ['FunctionGraph', 'API Gateway', 'OBS', 'MPC'];

/** The HTTP requests, and why some were refused. */
export function RequestsView(props: { requests: readonly RequestEntry[]; selected: string | undefined }) {
  const { requests, selected } = props;
  /** `all`, `refused` or a service. */
  const [choice, setChoice] = useChoice<string>('show', 'all');
  const [text, setText] = useSearchText();
  const isWanted = fits(text);
  const found = requests.filter(
    (request) =>
      (choice === 'all' || (choice === 'refused' ? request.status >= 400 : request.service === choice)) &&
      isWanted(
        `${request.method} ${request.path} ${request.status} ${request.errorCode} ${request.caller} ${request.id}`,
      ),
  );
  const services = [...new Set([...SERVICES, ...requests.map(({ service }) => service)])];
  const { shown, end } = useGrowing(found.length, ROWS_AT_ONCE);
  const visible = found.slice(0, shown);
  const linked = requests.find(({ id }) => id === selected);
  const listed = linked !== undefined && !visible.includes(linked) ? [linked, ...visible] : visible;
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
        <Search label="Path, method, status, code or caller" value={text} onInput={setText} />
      </div>
      {listed.length === 0 ? (
        <Empty title={requests.length === 0 ? 'No request yet' : 'No request matches'}>
          All calls of OBS, MPC, FunctionGraph and the API appear here, refused ones with the reason.
        </Empty>
      ) : (
        <Table
          label="Requests"
          openId={selected}
          columns={[
            { title: 'Status' },
            { title: 'Service' },
            { title: 'Request', kind: 'main' },
            { title: 'Caller' },
            { title: 'Duration', kind: 'minor right' },
            { title: 'Time', kind: 'right' },
          ]}
          rows={listed.map(rowOf)}
        />
      )}
      {end}
    </>
  );
}

function kindOf(status: number): Stage['kind'] {
  if (status >= 500) return 'bad';
  return status >= 400 ? 'waiting' : 'idle';
}

function rowOf(request: RequestEntry) {
  const { id, service, method, path, status, errorCode, timeMs, durationMs, signature, caller } = request;
  return {
    id,
    cells: [
      <Badge key="status" kind={kindOf(status)}>
        {status}
      </Badge>,
      <span key="service" class="quiet">
        {service}
      </span>,
      <span key="line" class="request-line">
        <b>{method}</b> <Key>{path}</Key>
        {errorCode !== undefined && <span class="error-code">{errorCode}</span>}
        {signature !== undefined && errorCode === undefined && <span class="badge bad">signature</span>}
      </span>,
      caller !== undefined && (
        <span class="quiet caller">
          <Key>{caller}</Key>
        </span>
      ),
      <span key="duration" class="num">
        {formatDuration(durationMs)}
      </span>,
      <Moment key="time" timeMs={timeMs} />,
    ],
    body: () => <RequestBody request={request} />,
  };
}

function RequestBody({ request }: { request: RequestEntry }) {
  const { id, path, caller, detail, invocationId, signature } = request;
  return (
    <>
      <dl class="facts">
        <dt>Request</dt>
        <dd>
          <Value text={id} what="request id" />
        </dd>
        <dt>Path</dt>
        <dd>
          <Value text={path} what="path" />
        </dd>
        {caller !== undefined && (
          <>
            <dt>Caller</dt>
            <dd>
              <Value text={caller} what="caller" />
            </dd>
          </>
        )}
        {invocationId !== undefined && (
          <>
            <dt>Function</dt>
            <dd>
              <a href={linkTo('invocations', invocationId)}>Invocation and log</a>
            </dd>
          </>
        )}
      </dl>
      {detail !== undefined && (
        <p>
          <bdi>{detail}</bdi>
        </p>
      )}
      {signature !== undefined && <Verdict {...signature} />}
    </>
  );
}

/** What the signature doctor found. */
function Verdict({ explanation, difference, expected }: NonNullable<RequestEntry['signature']>) {
  return (
    <section class="doctor" aria-label="Signature">
      <h2>Why the signature was refused</h2>
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
      {expected !== undefined && <TextBox title="What the service signed" text={expected} />}
    </section>
  );
}
