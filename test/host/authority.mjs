// A certificate authority of the tests' own, and certificates by it, made anew for each run: no key is kept.
import { generateKeyPairSync, sign } from 'node:crypto';

/** Tags of DER. */
const sequence = 0x30;
const set = 0x31;
const objectIdentifier = 0x06;
const octets = 0x04;
const bits = 0x03;
const ecdsaWithSha256 = '2a8648ce3d040302';
const commonName = '550403';
const basicConstraints = '551d13';
const alternativeNames = '551d11';
const dayMs = 86_400_000;

/** @param {number} tag @param {readonly Buffer[]} contents */
function der(tag, ...contents) {
  const content = Buffer.concat(contents);
  const { length } = content;
  const head = length < 0x80 ? [tag, length] : length < 0x100 ? [tag, 0x81, length] : [tag, 0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from(head), content]);
}

/** @param {string} hex */
function identifier(hex) {
  return der(objectIdentifier, Buffer.from(hex, 'hex'));
}

/** @param {string} name */
function nameOf(name) {
  return der(sequence, der(set, der(sequence, identifier(commonName), der(0x0c, Buffer.from(name)))));
}

/** @param {number} ms */
function utcTime(ms) {
  return der(0x17, Buffer.from(new Date(ms).toISOString().replace(/^..(..)-(..)-(..)T(..):(..):(..).*$/, '$1$2$3$4$5$6Z')));
}

/** @param {string} kind @param {Buffer} buffer */
function pem(kind, buffer) {
  return `-----BEGIN ${kind}-----\n${buffer.toString('base64').replace(/.{64}/g, '$&\n')}\n-----END ${kind}-----\n`;
}

/** @typedef {{ readonly cert: string, readonly key: string }} Certificate In PEM. */

/**
 * An authority that nothing on this machine knows until it is told.
 * @param {string} name
 * @returns {{ readonly cert: string, readonly issue: (hosts: readonly string[], days?: number) => Certificate }}
 */
export function makeAuthority(name) {
  const authority = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  let serial = 0;
  /** @param {import('node:crypto').KeyObject} publicKey @param {string} subject @param {number} days @param {Buffer} extension */
  const certificate = (publicKey, subject, days, extension) => {
    const algorithm = der(sequence, identifier(ecdsaWithSha256));
    const now = Date.now();
    const signed = der(
      sequence,
      der(0xa0, der(0x02, Buffer.from([2]))), // version 3
      der(0x02, Buffer.from([++serial])),
      algorithm,
      nameOf(name),
      der(sequence, utcTime(now - 30 * dayMs), utcTime(now + days * dayMs)),
      nameOf(subject),
      publicKey.export({ type: 'spki', format: 'der' }),
      der(0xa3, der(sequence, extension)),
    );
    const signature = der(bits, Buffer.from([0]), sign('sha256', signed, authority.privateKey));
    return pem('CERTIFICATE', der(sequence, signed, algorithm, signature));
  };
  const isAuthority = der(
    sequence,
    identifier(basicConstraints),
    der(0x01, Buffer.from([0xff])),
    der(octets, der(sequence, der(0x01, Buffer.from([0xff])))),
  );
  return {
    cert: certificate(authority.publicKey, name, 30, isAuthority),
    issue: (hosts, days = 30) => {
      const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
      const names = hosts.map(host => (host === '127.0.0.1' ? der(0x87, Buffer.from([127, 0, 0, 1])) : der(0x82, Buffer.from(host))));
      const extension = der(sequence, identifier(alternativeNames), der(octets, der(sequence, ...names)));
      return {
        cert: certificate(publicKey, hosts[0] ?? '', days, extension),
        key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
      };
    },
  };
}
