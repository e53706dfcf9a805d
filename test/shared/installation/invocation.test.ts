import { SettingsError } from '../../../shared/core/errors';
import { openInvocation, remainingMs } from '../../../shared/installation/invocation';
import { functionContext, userData } from '../function-context';

test('an invocation has the credentials, the project and the settings of its own context', () => {
  const invocation = openInvocation(functionContext());
  expect(invocation).toMatchObject({
    projectId: '77b6a44cba5143ab91d13ab9a8ff44fd',
    credentials: {
      accessKey: 'TEMPORARYACCESSKEY',
      secretKey: 'temporary-secret-key',
      securityToken: 'temporary-security-token',
    },
    settings: { region: 'ap-southeast-3', snapshotBucket: 'snapshots' },
  });
});

test('time for the answer is reserved', () => {
  jest.useFakeTimers({ now: 1_000_000 });
  try {
    const invocation = openInvocation(functionContext());
    expect(invocation.deadlineMs).toBe(1_000_000 + 10_000 - 300);
    jest.setSystemTime(1_009_000);
    expect(remainingMs(invocation)).toBe(700);
  } finally {
    jest.useRealTimers();
  }
});

test('wrong settings are reported before anything is done', () => {
  const { SNAPSHOT_BUCKET: _, ...incomplete } = userData;
  expect(() => openInvocation(functionContext(incomplete))).toThrow(SettingsError);
});
