import { writeFunctionFiles } from '../../bench/function-files';
import { type ColdCall, call, type Services, startServices } from '../../bench/functions';
import { withFolder } from '../../bench/process';
import { writeVariants } from '../../bench/tricks';

let services: Services;
beforeAll(async () => {
  services = await startServices();
});
afterAll(() => services.stop());

test.each(['http', 'https'] as const)('every measured function succeeds over %s', (protocol) =>
  withFolder(async (folder) => {
    const files = [...(await writeFunctionFiles(folder)), ...(await writeVariants(folder))];
    expect(files).toHaveLength(14);
    for (const file of files) {
      // It throws where the answer is a failure.
      const { coldMs } = await call<ColdCall>('cold', file, services.origins(protocol));
      expect(coldMs).toBeGreaterThan(0);
    }
  }),
);
