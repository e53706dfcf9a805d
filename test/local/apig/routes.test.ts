import { matchRoute, routesOfHost } from '../../../local/apig/routes';
import type { ApiRoute } from '../../../local/functiongraph/functiongraph';

const route = (method: string, path: string, matchMode: ApiRoute['matchMode'] = 'NORMAL'): ApiRoute => ({
  functionName: `${method} ${path} ${matchMode}`,
  apiId: 'id',
  groupId: '',
  instanceId: '',
  name: 'api',
  envId: 'DEFAULT_ENVIRONMENT_RELEASE_ID',
  stage: 'RELEASE',
  path,
  method,
  matchMode,
  auth: 'NONE',
  timeoutMs: 5000,
});

const ROUTES = [
  route('ANY', '/', 'SWA'),
  route('GET', '/things'),
  route('GET', '/things/{id}'),
  route('GET', '/things/special'),
  route('ANY', '/things/{id}'),
  route('GET', '/things/{id}/parts/{part}'),
  route('POST', '/things', 'SWA'),
  route('POST', '/things/deep', 'SWA'),
];

test.each([
  ['GET', '/things', 'GET /things NORMAL', {}],
  ['GET', '/things/', 'GET /things NORMAL', {}],
  ['GET', '/things/special', 'GET /things/special NORMAL', {}],
  ['GET', '/things/7', 'GET /things/{id} NORMAL', { id: '7' }],
  ['DELETE', '/things/7', 'ANY /things/{id} NORMAL', { id: '7' }],
  ['GET', '/things/a%2Fb%20c', 'GET /things/{id} NORMAL', { id: 'a/b c' }],
  ['GET', '/things/7/parts/x', 'GET /things/{id}/parts/{part} NORMAL', { id: '7', part: 'x' }],
  ['POST', '/things', 'POST /things SWA', {}],
  ['POST', '/things/a/b', 'POST /things SWA', { '': 'a/b' }],
  ['POST', '/things/deep/b', 'POST /things/deep SWA', { '': 'b' }],
  ['POST', '/thingsandmore', 'ANY / SWA', { '': 'thingsandmore' }],
  ['GET', '/things/7/other', 'ANY / SWA', { '': 'things/7/other' }],
  ['GET', '/', 'ANY / SWA', {}],
])('%s %s calls %s', (method, path, functionName, pathParameters) => {
  for (const routes of [ROUTES, ROUTES.toReversed()]) {
    expect(matchRoute(routes, method, path)).toEqual({
      route: expect.objectContaining({ functionName }),
      pathParameters,
    });
  }
});

test('nothing is called when no API fits', () => {
  expect(matchRoute([route('GET', '/things')], 'POST', '/things')).toBeUndefined();
  expect(matchRoute([route('GET', '/things')], 'GET', '/things/7')).toBeUndefined();
  expect(matchRoute([route('GET', '/things/{id}')], 'GET', '/things')).toBeUndefined();
});

test('the sub-domain of a group has only its own APIs, and other addresses have all', () => {
  const routes = ['one', 'two'].map((groupId) => ({ ...route('GET', '/things'), groupId }));
  const groupsAt = (host: string) => routesOfHost(routes, host).map(({ groupId }) => groupId);
  expect(groupsAt('two.localhost:4000')).toEqual(['two']);
  expect(groupsAt('127.0.0.1:4000')).toEqual(['one', 'two']);
  expect(groupsAt('localhost:4000')).toEqual(['one', 'two']);
});
