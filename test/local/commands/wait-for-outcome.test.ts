import { TooManyRequestsError } from '../../../client/src';
import { whenAllowed } from '../../../local/commands/wait-for-outcome';

const refusal = () =>
  new TooManyRequestsError({
    status: 429,
    code: 'TooManyRequests',
    message: "MPC's quota of calls is used up; try again",
    requestId: undefined,
    retryAfterSeconds: 0,
  });

test('a call that is refused for its number is made again when it is allowed', async () => {
  const waits: number[] = [];
  let calls = 0;
  const result = await whenAllowed(
    async () => {
      if (++calls < 3) throw refusal();
      return 'pictures';
    },
    () => waits.push(calls),
  );
  expect(result).toBe('pictures');
  expect(waits).toEqual([1, 2]);
});

test('other failures are not waited for', async () => {
  const failing = whenAllowed(
    () => Promise.reject(new Error('gone')),
    () => {},
  );
  await expect(failing).rejects.toThrow('gone');
});
