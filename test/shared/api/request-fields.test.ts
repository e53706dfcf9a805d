import * as z from 'zod/mini';
import '../../../shared/api/request-fields';
import { thumbnailParaSchema } from '../../../shared/installation/capture';
import { CreateSchema } from '../../../shared/tasks/create-request';
import { ListSchema, ViewSchema } from '../../../shared/tasks/list-request';

/** What the registry holds of each field that it knows. */
const described = (schema: z.ZodMiniObject) =>
  Object.fromEntries(
    Object.entries(schema.shape).flatMap(([name, field]) => {
      const metadata = z.globalRegistry.get(field);
      return metadata ? [[name, metadata]] : [];
    }),
  );

test('tools that read a schema find descriptions and units', () => {
  expect(described(thumbnailParaSchema())).toMatchObject({
    start_time: { 'x-unit': 's', description: 'TIME: time of the first picture.' },
    duration: {
      'x-unit': 's',
      description: 'TIME: length of the part that is captured. 0: to the end of the video.',
    },
    dots_ms: { 'x-unit': 'ms' },
    width: { 'x-unit': 'px' },
  });
  expect(Object.keys(described(CreateSchema))).toEqual(['user_data', 'tar', 'sync', 'original_dir']);
  expect(Object.keys(described(ListSchema))).toEqual(['page', 'size', 'pictures']);
});

test('the described form of a number in text is the one that is checked', () => {
  const { page, size } = ListSchema.shape;
  for (const [field, schema] of Object.entries({ page, size, wait: ViewSchema.shape.wait })) {
    const { pattern } = z.globalRegistry.get(schema) ?? {};
    for (const value of ['1', '12', '1e1', '-1', '', '1.5'])
      expect([field, value, new RegExp(String(pattern)).test(value)]).toEqual([
        field,
        value,
        z.safeParse(schema, value).success,
      ]);
  }
});

test('the unit of a field is the one that its error names', () => {
  const inErrors: Record<string, string> = {};
  for (const [name, field] of Object.entries(thumbnailParaSchema().shape)) {
    const { error } = z.safeParse(field, 'no number');
    const unit = / (s|ms|px|%)$/.exec(error?.issues[0]?.message ?? '')?.[1];
    if (unit !== undefined) inErrors[name] = unit;
  }
  const inDescriptions = Object.entries(described(thumbnailParaSchema())).flatMap(([name, metadata]) =>
    metadata['x-unit'] === undefined ? [] : [[name, metadata['x-unit']]],
  );
  expect(Object.fromEntries(inDescriptions)).toEqual(inErrors);
});
