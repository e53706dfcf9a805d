import { XMLBuilder, XMLParser, XMLValidator } from 'fast-xml-parser';
import * as z from 'zod';
import { ObsError } from './errors';
import type { Dialect } from './signature';

/** An element's content: undefined leaves the element out, an array repeats it. */
export type XmlValue = string | number | boolean | undefined | XmlElements | readonly XmlValue[];
export interface XmlElements {
  [name: string]: XmlValue;
}

/** A document: the name of its root and what is in it. */
export type XmlDocument = readonly [root: string, content: XmlElements | string];

const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;' };

const builder = new XMLBuilder({
  ignoreAttributes: false,
  attributeNamePrefix: '@',
  textNodeName: '#text',
  // Text keeps its quotes, as in the documents' examples. The vendor's client for Node.js accepts at most 1,000 entities in a
  // document, and a listing has two quotes for each of up to 1,000 ETags.
  processEntities: false,
  tagValueProcessor: (_, text) => String(text).replace(/[&<>]/g, (mark) => ENTITIES[mark] ?? mark),
});

// Keys may look like numbers, and may begin or end with white space.
const parser = new XMLParser({ parseTagValue: false, trimValues: false, htmlEntities: true });

/** Renders an answer in the name space of the dialect. */
export function renderXml([root, content]: XmlDocument, dialect: Dialect, region: string): string {
  const namespace =
    dialect === 'obs'
      ? `http://obs.${region}.myhuaweicloud.com/doc/2015-06-30/`
      : 'http://s3.amazonaws.com/doc/2006-03-01/';
  return buildXml(root, {
    '@xmlns': namespace,
    ...(typeof content === 'string' ? { '#text': content } : content),
  });
}

/** Renders an error document, which has no name space. */
export function renderError(content: XmlElements): string {
  return buildXml('Error', content);
}

function buildXml(root: string, content: XmlElements): string {
  return builder.build({ '?xml': { '@version': '1.0', '@encoding': 'UTF-8' }, [root]: content });
}

/** The content of an element that may appear once or several times, as a list. */
export const oneOrMany = <T extends z.ZodType>(item: T) =>
  z
    .union([z.array(item), item])
    .transform((value) => (Array.isArray(value) ? value : [value]) as z.output<T>[]);

/** The content of a document's root. Undefined if the text is no document, or one that no client of OBS sends. */
function contentOf(body: string, root: string): unknown {
  // Documents of OBS have no document type. With one, entities would be possible.
  if (/<!DOCTYPE/i.test(body)) return undefined;
  try {
    if (XMLValidator.validate(body) !== true) return undefined;
    const document: unknown = parser.parse(body);
    return Object.getOwnPropertyDescriptor(document, root)?.value;
  } catch {
    // Nested too deeply, or with names that no object can have.
    return undefined;
  }
}

/** Reads a request body that must be a document with this root. @throws ObsError MalformedXML */
export function parseXml<T>(body: string, root: string, schema: z.ZodType<T>): T {
  const content = schema.safeParse(contentOf(body, root));
  if (content.success) return content.data;
  throw new ObsError(
    'MalformedXML',
    `The XML you provided was not well-formed or is not the ${root} document that OBS expects here.`,
  );
}
