/** The floor: a handler that does nothing. */
export const handler = async (_event: unknown, _context: unknown): Promise<unknown> => ({
  statusCode: 204,
  headers: {},
  body: '',
  isBase64Encoded: false,
});
