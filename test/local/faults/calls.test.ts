import { createServer, request, type Server } from 'node:http';
import { Faults } from '../../../local/faults/faults';
import type { FaultShares } from '../../../local/faults/parse-faults';
import { closeServer, listen, readBody } from '../../../local/http-server';
import { until } from '../../wait';

const PERMANENT = { accessKey: 'AKPERMANENT', secretKey: 'SK', projectId: 'p' };

/** A service that echoes bodies, with faults in front of it, and one running attempt of a function. */
class Service {
  readonly served: string[] = [];
  readonly authorizations: (string | undefined)[] = [];
  kills = 0;
  server!: Server;
  address!: string;
  faults!: Faults;
  functionKey!: string;
  endAttempt!: () => void;
  keyIsExpired!: () => boolean;

  static async start(shares: FaultShares, service: 'mpc' | 'obs' = 'mpc', seed = 7): Promise<Service> {
    const it = new Service();
    it.server = createServer(async (incoming, outgoing) => {
      const body = (await readBody(incoming, 1000)).toString();
      it.served.push(body);
      it.authorizations.push(incoming.headers.authorization);
      outgoing.writeHead(202).end(`got ${body}`);
    });
    it.faults = new Faults({ shares, seed });
    const credentials = it.faults.credentials(PERMANENT);
    const key = credentials.temporaryKeyOf('agency');
    it.functionKey = key.accessKey;
    it.keyIsExpired = () => credentials.isExpired(key);
    it.endAttempt = it.faults.onAttempt({
      functionName: 'f',
      accessKey: key.accessKey,
      kill: () => {
        it.kills += 1;
      },
    });
    it.faults.intercept(it.server, service);
    it.address = `http://127.0.0.1:${await listen(it.server, 0)}`;
    services.push(it);
    return it;
  }

  call(accessKey = this.functionKey, method = 'POST'): Promise<{ status: number; text: string }> {
    return send(this.address, method, {
      authorization: `SDK-HMAC-SHA256 Access=${accessKey}, SignedHeaders=host, Signature=0`,
    });
  }
}

function send(url: string, method: string, headers: Record<string, string> = {}) {
  return new Promise<{ status: number; text: string }>((resolve, reject) => {
    const sent = request(url, { method, headers }, (answer) => {
      let text = '';
      answer.on('data', (chunk: Buffer) => {
        text += chunk.toString();
      });
      answer.on('end', () => resolve({ status: answer.statusCode ?? 0, text }));
    });
    sent.on('error', reject);
    sent.end(method === 'GET' ? undefined : 'hello');
  });
}

const services: Service[] = [];
afterEach(async () => {
  for (const { faults, server } of services.splice(0)) {
    faults.close();
    await closeServer(server);
  }
});

describe('a call of a function', () => {
  test.each([
    ['mpc.429', 429, 'APIGW.0308'],
    ['mpc.500', 500, 'MPC.10050'],
    ['mpc.502', 502, 'APIGW.0202'],
  ] as const)('%s: is answered %i %s, and the service never sees it', async (name, status, code) => {
    const service = await Service.start({ [name]: 1 });
    const answer = await service.call();
    expect(answer.status).toBe(status);
    expect(JSON.parse(answer.text)).toMatchObject({ error_code: code });
    expect(service.served).toEqual([]);
  });

  test('mpc.burst: is refused with all that follow, until the time that Retry-After says', async () => {
    let now = Date.now();
    jest.spyOn(Date, 'now').mockImplementation(() => now);
    try {
      const service = await Service.start({ 'mpc.burst': 0.3 });
      const statuses = async (count: number) => {
        const seen = [];
        for (let call = 0; call < count; call++) seen.push((await service.call()).status);
        return seen;
      };
      // Once one is refused, none gets through.
      const seen = await statuses(20);
      expect(seen).toContain(429);
      expect(seen.slice(seen.indexOf(429))).toEqual(Array(20 - seen.indexOf(429)).fill(429));
      now += 20_000;
      expect(await statuses(20)).toContain(202);
    } finally {
      jest.restoreAllMocks();
    }
  });

  test('mpc.reset: breaks off before the service sees it', async () => {
    const service = await Service.start({ 'mpc.reset': 1 });
    await expect(service.call()).rejects.toMatchObject({ code: 'ECONNRESET' });
    expect(service.served).toEqual([]);
  });

  test.each(['mpc.reset-after-accept', 'obs.reset-after'] as const)(
    '%s: is served and breaks off',
    async (name) => {
      const service = await Service.start({ [name]: 1 }, name.startsWith('obs') ? 'obs' : 'mpc');
      await expect(service.call()).rejects.toMatchObject({ code: 'ECONNRESET' });
      expect(service.served).toEqual(['hello']);
    },
  );

  test('mpc.500-after-accept: is served and answered 500', async () => {
    const service = await Service.start({ 'mpc.500-after-accept': 1 });
    expect((await service.call()).status).toBe(500);
    expect(service.served).toEqual(['hello']);
  });

  test('obs.503: is answered 503 in XML, and the service never sees it', async () => {
    const service = await Service.start({ 'obs.503': 1 }, 'obs');
    const answer = await service.call();
    expect(answer.status).toBe(503);
    expect(answer.text).toContain('<Code>ServiceUnavailable</Code>');
    expect(service.served).toEqual([]);
  });

  test('mpc.slow: is served at once and answered later', async () => {
    const service = await Service.start({ 'mpc.slow': 1 });
    let isAnswered = false;
    const answer = service.call().then((got) => {
      isAnswered = true;
      return got;
    });
    await until(() => service.served.length === 1, { what: 'the call is served' });
    expect(isAnswered).toBe(false);
    expect(await answer).toEqual({ status: 202, text: 'got hello' });
  });

  test('mpc.late: is served even when its caller has given up', async () => {
    const service = await Service.start({ 'mpc.late': 1 });
    const controller = new AbortController();
    const given = fetch(service.address, {
      method: 'POST',
      body: 'hello',
      signal: controller.signal,
      headers: { authorization: `SDK-HMAC-SHA256 Access=${service.functionKey}, x` },
    });
    await until(() => new Promise((resolve) => service.server.getConnections((_, n) => resolve(n === 1))));
    expect(service.served).toEqual([]);
    controller.abort();
    await expect(given).rejects.toThrow();
    await until(() => service.served.length === 1, { what: 'the call arrives' });
    expect(service.served).toEqual(['hello']);
    expect(service.authorizations).toEqual([`SDK-HMAC-SHA256 Access=${service.functionKey}, x`]);
  });

  test('credentials: its key expires at one of the first five calls, which are served', async () => {
    const service = await Service.start({ credentials: 1 });
    expect(service.keyIsExpired()).toBe(false);
    for (let call = 0; call < 5; call++) expect((await service.call()).status).toBe(202);
    expect(service.keyIsExpired()).toBe(true);
  });

  test('crash: its instance is killed once, in some runs before and in others after the call was served', async () => {
    const endings = new Set<string>();
    for (let seed = 1; seed <= 10; seed++) {
      const service = await Service.start({ crash: 1 }, 'mpc', seed);
      let served = 0;
      // The instance is gone: nobody answers or closes this connection.
      while (service.kills === 0) {
        const call = service.call();
        await Promise.race([call, until(() => service.kills > 0, { what: 'a kill' })]);
        call.catch(() => {});
        if (service.kills === 0) served += 1;
      }
      expect(service.kills).toBe(1);
      expect(served).toBeLessThan(5);
      endings.add(service.served.length === served ? 'before' : 'after');
    }
    expect(endings).toEqual(new Set(['before', 'after']));
  });
});

describe('faults do not affect', () => {
  test('callers that are not functions, and a function whose attempt is over', async () => {
    const service = await Service.start({ 'mpc.500': 1 });
    expect((await service.call(PERMANENT.accessKey)).status).toBe(202);
    expect((await send(service.address, 'GET')).status).toBe(202);
    service.endAttempt();
    expect((await service.call()).status).toBe(202);
  });

  test('the other service', async () => {
    const service = await Service.start({ 'obs.503': 1, 'obs.reset-after': 1 }, 'mpc');
    expect((await service.call()).status).toBe(202);
  });

  test('calls without a share', async () => {
    const service = await Service.start({ 'mpc.500': 0 });
    expect((await service.call()).status).toBe(202);
  });
});

test.each(['AccessKeyId', 'AWSAccessKeyId'])(
  'a call that is signed in its address by %s is recognised too',
  async (name) => {
    const service = await Service.start({ 'obs.503': 1 }, 'obs');
    const url = `${service.address}/bucket/key?Expires=1&${name}=${service.functionKey}&Signature=x`;
    expect((await send(url, 'GET')).status).toBe(503);
  },
);

test.each(['OBS', 'AWS'])('a call that is signed in its header by %s is recognised too', async (scheme) => {
  const service = await Service.start({ 'obs.503': 1 }, 'obs');
  const authorization = `${scheme} ${service.functionKey}:c2lnbmF0dXJl`;
  expect((await send(service.address, 'GET', { authorization })).status).toBe(503);
});
