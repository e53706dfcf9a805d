import { parseJson } from '../../local/parse-json';

/** Models of the vendor's SDK for the bodies of our calls, and for what lies in them. */
const BODIES: readonly [method: string, path: RegExp, model: string][] = [
  ['POST', /\/fgs\/functions$/, 'CreateFunctionRequestBody'],
  ['PUT', /\/fgs\/functions\/[^/]+\/config$/, 'UpdateFunctionConfigRequestBody'],
  ['PUT', /\/fgs\/functions\/[^/]+\/code$/, 'UpdateFunctionCodeRequestBody'],
  ['PUT', /\/fgs\/functions\/[^/]+\/async-invoke-config$/, 'UpdateFunctionAsyncInvokeConfigRequestBody'],
  ['PUT', /\/fgs\/functions\/[^/]+\/config-max-instance$/, 'UpdateFunctionMaxInstanceConfigRequestBody'],
  ['POST', /\/fgs\/triggers\/[^/]+$/, 'CreateFunctionTriggerRequestBody'],
  ['PUT', /\/fgs\/triggers\/[^/]+\/[^/]+\/[^/]+$/, 'UpdateTriggerRequestBody'],
];
const PARTS: Readonly<Record<string, string>> = {
  strategy_config: 'StrategyConfig',
  log_config: 'FuncLogConfig',
  func_code: 'FuncCode',
  event_data: 'TriggerEventDataRequestBody',
  func_info: 'ApigTriggerFuncInfo',
};

/**
 * The fields that the vendor's SDK calls mandatory and a request lacks, as `strategy_config.concurrent_num`. Its models
 * take exactly these in their constructors.
 */
export function lackingFields(method: string, url: string, body: Buffer): string[] {
  const [path = ''] = url.split('?');
  const model = BODIES.find(([of, pattern]) => of === method && pattern.test(path))?.[2];
  return model === undefined ? [] : lacking(model, parseJson(body.toString()));
}

function lacking(model: string, value: unknown, at = ''): string[] {
  const fields = Object(value) as Record<string, unknown>;
  return [
    ...mandatory(model)
      .filter((name) => fields[name] === undefined)
      .map((name) => at + name),
    ...Object.entries(PARTS).flatMap(([name, part]) =>
      fields[name] === undefined ? [] : lacking(part, fields[name], `${at}${name}.`),
    ),
  ];
}

function mandatory(model: string): string[] {
  const Model = require(`@huaweicloud/huaweicloud-sdk-functiongraph/v2/model/${model}`)[model];
  return Object.keys(new Model(...Array(Model.length).fill('given')));
}
