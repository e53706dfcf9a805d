import { FAULTS, parseFaults, parseSeed } from '../../../local/faults/parse-faults';
import { UsageError } from '../../../local/usage-error';

function refusalOf(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    expect(error).toBeInstanceOf(UsageError);
    return (error as Error).message;
  }
  throw new Error('nothing was refused');
}

describe('--faults', () => {
  test('is a list of names and shares', () => {
    expect(parseFaults('duplicate=0.2, mpc.429=1,mpc.reset-after-accept=.05,crash=0')).toEqual({
      duplicate: 0.2,
      'mpc.429': 1,
      'mpc.reset-after-accept': 0.05,
      crash: 0,
    });
    expect(parseFaults('')).toEqual({});
  });

  test.each(['mpc.430=0.1', 'toString=0.1', 'Crash=1', '=1'])('refuses %s and says what there is', (text) => {
    const message = refusalOf(() => parseFaults(`drop=0.1,${text}`));
    expect(message).toContain(`there is no fault "${text.split('=')[0]}"`);
    for (const name of Object.keys(FAULTS)) expect(message).toContain(name);
  });

  test.each(['crash=1.01', 'crash=-0.1', 'crash=often', 'crash=', 'crash', 'crash=0.1=0.2', 'crash=NaN'])(
    'refuses %s: a share is from 0 to 1',
    (text) => {
      const message = refusalOf(() => parseFaults(text));
      expect(message).toContain(`crash must be a share from 0 to 1, got "${text.slice('crash='.length)}"`);
      expect(message).toContain('mpc.reset-after-accept');
    },
  );
});

describe('--seed', () => {
  test.each(['0', '7', '4294967295'])('accepts %s', (text) => {
    expect(parseSeed(text)).toBe(Number(text));
  });
  test.each(['-1', '4294967296', '1.5', '1e3', 'lucky', ''])('refuses "%s"', (text) => {
    expect(refusalOf(() => parseSeed(text))).toBe(
      `--seed must be a whole number from 0 to 4294967295, got "${text}"`,
    );
  });
});
