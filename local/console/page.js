const byId = (id) => document.getElementById(id);

/** Creates an element. Text is always set as text: object keys may hold anything. */
function element(name, properties = {}, ...children) {
  const created = Object.assign(document.createElement(name), properties);
  created.append(...children);
  return created;
}

const bytes = new Intl.NumberFormat('en', { style: 'unit', unit: 'megabyte', maximumFractionDigits: 1 });

function frameView({ name, url }) {
  const image = element('img', { src: url, alt: `frame ${name}`, loading: 'lazy' });
  return element('li', {}, element('a', { href: url, target: '_blank', rel: 'noreferrer' }, image, name));
}

function taskView(task) {
  const status = element('strong', { className: task.status, textContent: task.status });
  const count = task.frames.length === 1 ? '1 frame' : `${task.frames.length} frames`;
  const facts = [`task ${task.id}`, count, task.description].filter(Boolean).join(' · ');
  return element(
    'div',
    {},
    element(
      'p',
      { className: 'task' },
      status,
      ' ',
      element('span', { className: 'facts', textContent: facts }),
    ),
    element('ul', { className: 'frames' }, ...task.frames.map(frameView)),
  );
}

function uploadView(upload) {
  const facts = [
    bytes.format(upload.sizeBytes / 1e6),
    new Date(upload.lastModifiedMs).toLocaleTimeString(),
    upload.tasks.length === 0 ? (upload.remark ?? 'no task yet') : undefined,
  ];
  return element(
    'article',
    {},
    element('h2', { textContent: upload.key }),
    element('p', { className: 'facts', textContent: facts.filter(Boolean).join(' · ') }),
    ...upload.tasks.map(taskView),
  );
}

/** What is shown of each upload, as text: only what changed is drawn again, so that pictures do not flicker. */
const drawn = new Map();

function show(state) {
  byId('bucket').textContent = `They go to the bucket “${state.uploadBucket}”.`;
  const cards = state.uploads.map((upload) => {
    // Temporary addresses differ from message to message and mean the same.
    const content = JSON.stringify(upload, (name, value) => (name === 'url' ? undefined : value));
    const known = drawn.get(upload.key);
    if (known?.content === content) return known.card;
    const card = uploadView(upload);
    drawn.set(upload.key, { content, card });
    return card;
  });
  byId('uploads').replaceChildren(...cards);
}

function upload(file) {
  const bar = element('progress', { max: 1, value: 0 });
  const label = element('span', { textContent: file.name });
  const item = element('li', {}, label, bar);
  byId('transfers').append(item);
  const fail = (reason) => {
    label.textContent = `${file.name} could not be uploaded: ${reason}`;
    bar.remove();
  };
  fetch(`upload-url?name=${encodeURIComponent(file.name)}`, { method: 'POST' })
    .then((response) => response.json())
    .then(({ url }) => {
      const request = new XMLHttpRequest();
      request.upload.onprogress = ({ loaded, total }) => {
        bar.value = total === 0 ? 1 : loaded / total;
      };
      request.onload = () => (request.status < 300 ? item.remove() : fail(`OBS answered ${request.status}`));
      request.onerror = () => fail('OBS cannot be reached');
      request.open('PUT', url);
      // The signature of the address covers no type.
      request.send(new Blob([file]));
    })
    .catch(() => fail('the local cloud cannot be reached'));
}

const drop = byId('drop');
byId('files').addEventListener('change', ({ target }) => {
  for (const file of target.files) upload(file);
  target.value = '';
});
for (const type of ['dragover', 'dragleave', 'drop']) {
  drop.addEventListener(type, (event) => {
    event.preventDefault();
    drop.classList.toggle('over', type === 'dragover');
    if (type === 'drop') for (const file of event.dataTransfer.files) upload(file);
  });
}

const events = new EventSource('state');
events.onmessage = ({ data }) => {
  byId('connection').textContent = 'live';
  show(JSON.parse(data));
};
events.onerror = () => {
  byId('connection').textContent = 'the local cloud has stopped; start it again with npm start';
};
