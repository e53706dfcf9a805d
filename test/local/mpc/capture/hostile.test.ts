import { testOnLinux } from '../../../test-on-linux';
import { fuzzContainers } from './container-fuzz';

const ROUND_MS = 20_000;
const MAX_WORKER_MB = 512;

testOnLinux(
  'damaged containers of all kinds bring no worker down, and none beyond its memory',
  async () => {
    const report = await fuzzContainers({ seed: 20_261_127, durationMs: ROUND_MS });
    expect(report.faults).toEqual([]);
    expect(report.endings.captured).toBeGreaterThan(0);
    expect(report.endings.unreadable).toBeGreaterThan(0);
    expect(report.peakMb).toBeLessThan(MAX_WORKER_MB);
  },
  120_000,
);
