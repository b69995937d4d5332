// A certificate authority of the tests' own, and certificates by it, made anew for each run: no key is kept.
import { webcrypto } from 'node:crypto';
import 'reflect-metadata'; // the generator of certificates asks for it
import { BasicConstraintsExtension, PemConverter, SubjectAlternativeNameExtension, X509CertificateGenerator } from '@peculiar/x509';

const dayMs = 86_400_000;
const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };

/** @typedef {{ readonly cert: string, readonly key: string }} Certificate In PEM. */

/**
 * An authority that nothing on this machine knows until it is told.
 * @param {string} name
 * @returns {Promise<{ readonly cert: string, readonly issue: (hosts: readonly string[], days?: number) => Promise<Certificate> }>} Negative `days`: it has expired.
 */
export async function makeAuthority(name) {
  const keys = await webcrypto.subtle.generateKey(algorithm, false, ['sign', 'verify']);
  let serial = 0;
  const valid = (/** @type {number} */ days) => ({
    serialNumber: (++serial).toString(16).padStart(2, '0'),
    notBefore: new Date(Date.now() - 30 * dayMs),
    notAfter: new Date(Date.now() + days * dayMs),
    signingAlgorithm: algorithm,
  });
  const authority = await X509CertificateGenerator.createSelfSigned({
    ...valid(30),
    name: [{ CN: [name] }],
    keys,
    extensions: [new BasicConstraintsExtension(true, undefined, true)],
  });
  return {
    cert: authority.toString('pem'),
    issue: async (hosts, days = 30) => {
      const { publicKey, privateKey } = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
      const issued = await X509CertificateGenerator.create({
        ...valid(days),
        subject: [{ CN: [hosts[0] ?? ''] }],
        issuer: authority.subject,
        publicKey,
        signingKey: keys.privateKey,
        extensions: [
          new SubjectAlternativeNameExtension(
            hosts.map(value => ({ type: value === '127.0.0.1' ? /** @type {const} */ ('ip') : /** @type {const} */ ('dns'), value })),
          ),
        ],
      });
      const key = await webcrypto.subtle.exportKey('pkcs8', privateKey);
      return { cert: issued.toString('pem'), key: PemConverter.encode(key, 'PRIVATE KEY') };
    },
  };
}
