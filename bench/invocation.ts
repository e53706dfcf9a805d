import { Log } from '../shared/core/log';
import type { Invocation } from '../shared/installation/invocation';
import { functionContext, settingsWith } from '../test/shared/function-context';

const context = functionContext();

/** An invocation of a small installation, for measuring without a function. */
export const invocation: Invocation = {
  settings: settingsWith(),
  credentials: {
    accessKey: context.getSecurityAccessKey(),
    secretKey: context.getSecuritySecretKey(),
    securityToken: context.getSecurityToken(),
  },
  projectId: context.getProjectID(),
  deadlineMs: Number.POSITIVE_INFINITY,
  startedMs: Date.now(),
  endMs: Number.MAX_SAFE_INTEGER,
  searches: { calls: 0, last: Promise.resolve() },
  log: new Log(context.getRequestID(), context.getFunctionName()),
};
