import { noticeJson, noticeText } from '../local/commands/listen';
import { printable, printableLines } from '../printable';

test.each([
  ['an escape sequence', 'a\u001b]52;c;aGk=\u0007b', 'a\\u001b]52;c;aGk=\\u0007b'],
  ['one in eight bits', 'a\u009b2Jb', 'a\\u009b2Jb'],
  ['a carriage return', 'real\rfake', 'real\\u000dfake'],
  ['a change of direction', 'gnp\u202e4pm', 'gnp\\u202e4pm'],
  ['a line end of Unicode', 'a\u2028b', 'a\\u2028b'],
  ['an invisible tag', 'a\u{e0041}b', 'a\\udb40\\udc41b'],
  ['what may stay', 'é 中 👩\u200d🚀', 'é 中 👩\u200d🚀'],
])('%s is printed as JSON writes it', (_, text, printed) => {
  expect(printable(text)).toBe(printed);
  expect(printableLines(text)).toBe(printed);
});

test('a line end ends only a line of a text of several', () => {
  expect(printable('a\n\tb')).toBe('a\\u000a\\u0009b');
  expect(printableLines('a\n\tb')).toBe('a\n\tb');
});

test('printed JSON stays the same JSON', () => {
  const value = { key: 'a\u001b\u007f\u009b\u202e\u2028\u{e0041}\n"é' };
  expect(JSON.parse(printable(JSON.stringify(value)))).toEqual(value);
  expect(JSON.parse(printableLines(JSON.stringify(value, undefined, 2)))).toEqual(value);
});

test.each([
  '\u001b[2J\nnot a notice',
  JSON.stringify({
    type: 'a\u001b',
    timestamp: '\u009b',
    data: { task_id: '\r', video: { key: '\u202e' }, description: 'x\ny\u001b' },
  }),
])('what a page of a browser sends to `listen` writes no control character to the terminal: %j', (body) => {
  const notice = { id: '', body, value: parsed(body), answer: 401, refusal: '\u001b' } as const;
  for (const printed of [noticeText(notice).replaceAll(/\n {2}\w/g, ''), noticeJson(notice)])
    expect(printed).not.toMatch(/[\p{Cc}\u202e]/u);
});

function parsed(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return undefined;
  }
}
