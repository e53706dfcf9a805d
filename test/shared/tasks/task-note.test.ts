import type { CreateTaskBody } from '../../../shared/cloud/mpc';
import { unwrapUserData, withNote, withNoteIfNeeded, withNoteIfRoom } from '../../../shared/tasks/task-note';
import { InvalidRequest, MAX_USER_DATA_CHARACTERS } from '../../../shared/validation';

const place = { bucket: 'b', location: 'r', object: 'o' };
const body = (more: Partial<CreateTaskBody> = {}): CreateTaskBody => ({
  input: place,
  output: place,
  thumbnail_para: { type: 'TIME', time: 5 },
  ...more,
});

const CLAIM = { claim: 'c1', owner: '01234567' };

test('claim and caller’s data are read back as they were written', () => {
  const { user_data } = withNote(body({ user_data: '{"mine":1}' }), CLAIM);
  expect(unwrapUserData(user_data)).toEqual({
    note: { claim: 'c1', owner: '01234567', to_end: 1 },
    userData: '{"mine":1}',
  });
});

test('a body that needs no note stays unchanged', () => {
  const plain = body();
  expect(withNoteIfNeeded(plain)).toBe(plain);
});

test('a note says when the pictures do not run to the end', () => {
  const { user_data } = withNote(body({ thumbnail_para: { type: 'TIME', duration: 10 } }), CLAIM);
  expect(unwrapUserData(user_data).note).toEqual({ claim: 'c1', owner: '01234567' });
});

test('the moment of a single picture is noted in milliseconds if its name does not contain it', () => {
  const noted = (thumbnail_para: CreateTaskBody['thumbnail_para']) =>
    unwrapUserData(withNoteIfNeeded(body({ thumbnail_para })).user_data).note.time_ms;
  expect(noted({ type: 'DOTS_MS', dots_ms: [1500] })).toBe(1500);
  expect(noted({ type: 'DOTS', dots: [3], output_filename: 'cover' })).toBe(3000);
  expect(noted({ type: 'DOTS', dots: [3] })).toBeUndefined();
});

test('data that leaves no room for a note is sent without one', () => {
  const full = body({ user_data: 'x'.repeat(MAX_USER_DATA_CHARACTERS) });
  expect(withNoteIfRoom(full, CLAIM)).toBe(full);
  const room = body({ user_data: 'x'.repeat(MAX_USER_DATA_CHARACTERS - 150) });
  expect(unwrapUserData(withNoteIfRoom(room, CLAIM).user_data).userData).toBe(room.user_data);
});

test('data that looks like a note is wrapped, and refused if it leaves no room', () => {
  const like = (text: string) =>
    body({ user_data: JSON.stringify({ 'mpc-snapshots': {}, user_data: text }) });
  const { user_data } = withNoteIfNeeded(like('mine'));
  expect(unwrapUserData(user_data)).toEqual({ note: { to_end: 1 }, userData: like('mine').user_data });
  const full = like('x'.repeat(MAX_USER_DATA_CHARACTERS - 50));
  expect(() => withNoteIfNeeded(full)).toThrow(InvalidRequest);
  expect(() => withNoteIfRoom(full, CLAIM)).toThrow(
    /^Invalid request parameter: user_data must leave 150 of/,
  );
});

test.each([undefined, '', 'text', '{"mpc-snapshots":1}', '{"mpc-snapshots":{"to_end":2}}'])(
  'data that is not our note belongs to the caller: %j',
  (userData) => {
    expect(unwrapUserData(userData)).toEqual({ note: {}, userData });
  },
);
