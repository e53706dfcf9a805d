import { redact } from '../../../shared/core/redaction';

test('a request that a gateway quotes is not logged', () => {
  const credentials = { accessKey: 'THEKEY', secretKey: 'THESECRET', securityToken: 'THETOKEN' };
  expect(
    redact(
      'verify aksk signature fail, canonicalRequest:GET|/v1/|x-security-token:THETOKEN|host;x',
      credentials,
    ),
  ).toBe('verify aksk signature fail, canonicalRequest: …');
  expect(redact('ak THEKEY not exist, token THETOKEN, THESECRET', credentials)).toBe(
    'ak *** not exist, token ***, ***',
  );
});

test('a signature is recognised by its form, whoever made it', () => {
  const credentials = { accessKey: 'A-KEY', secretKey: 'A-SECRET' };
  const signature = 'ab'.repeat(32);
  expect(redact(`got ${signature}, Signature=x%2Fy&a=1, ${'A'.repeat(27)}=`, credentials)).toBe(
    'got ***, ***&a=1, ***',
  );
  expect(redact('x'.repeat(1000), credentials)).toHaveLength(500);
});
