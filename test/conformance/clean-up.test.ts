import { IS_REAL, Session } from './conformance';

const local = IS_REAL ? test.skip : test;

local(
  'what a test has made is taken away when it failed, and when a part of that fails as well',
  async () => {
    const session = await Session.open();
    try {
      const urn = session.urnOf(`${session.name}-x`);
      const code = 'exports.handler = async (event, context) => event;';
      expect((await session.createFunction(`${session.name}-x`, code)).status).toBe(200);
      for (const [type, data] of [
        ['TIMER', { name: 't', schedule_type: 'Rate', schedule: '1d' }],
        [
          'EVENTGRID',
          {
            source_name: 'HC.OBS.DWR',
            trigger_name: 'e',
            bucket: 'videos',
            event_types: ['OBS:DWR:ObjectCreated:PUT'],
          },
        ],
      ] as const) {
        const body = { trigger_type_code: type, event_data: data };
        expect((await session.functiongraph('POST', `triggers/${urn}`, body)).status).toBe(201);
      }
      session.afterwards(() => Promise.reject(new Error('no')));
      await expect(session.cleanUp()).rejects.toThrow(`look for what begins with ${session.name}`);
      expect((await session.functiongraph('GET', `functions/${urn}/config`)).status).toBe(404);
      expect((await session.eventGrid('GET', 'subscriptions')).body.total).toBe(0);
    } finally {
      await session.close();
    }
  },
);
