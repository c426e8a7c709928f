import { generateKeyPairSync, randomBytes, sign, type KeyObject } from 'node:crypto'
import { isIPv4 } from 'node:net'
import { bits, der, integer, octets, oid, sequence, set, time, truth, utf8 } from './der.js'

/** A key with the certificate for it. */
export interface Identity {
  readonly name: string
  readonly key: KeyObject
  readonly publicKey: KeyObject
  readonly der: Buffer
  /** The certificate. */
  readonly cert: string
  /** The private key. */
  readonly keyPem: string
}

/** What a certificate says. */
export interface CertificateContent {
  readonly name: string
  /** Who signs. Default: the certificate itself, which is an authority then. */
  readonly issuer?: Identity | undefined
  /** Host names and addresses. */
  readonly hosts?: readonly string[]
  /** Other names. */
  readonly uris?: readonly string[]
  readonly notBefore?: Date
  readonly notAfter?: Date
  /** Object identifiers of what the key is for, besides servers and clients of TLS. */
  readonly usages?: readonly string[]
  /** Further extensions: identifier and DER. */
  readonly extensions?: readonly (readonly [id: string, value: Buffer])[]
}

const ecdsaWithSha256 = sequence(oid('1.2.840.10045.4.3.2'))
const year = 365 * 24 * 3600 * 1000

/** Makes a P-256 key and a certificate for it (RFC 5280). */
export function makeIdentity(content: CertificateContent): Identity {
  const { name, issuer, notBefore = new Date(Date.now() - 60_000) } = content
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const isAuthority = issuer === undefined
  const toBeSigned = sequence(
    der(0xa0, integer(2)),
    der(0x02, Buffer.from([0x40]), randomBytes(15)),
    ecdsaWithSha256,
    distinguishedName(issuer?.name ?? name),
    sequence(time(notBefore), time(content.notAfter ?? new Date(notBefore.getTime() + year))),
    distinguishedName(name),
    publicKey.export({ type: 'spki', format: 'der' }),
    der(0xa3, sequence(...extensionsOf(content, isAuthority))),
  )
  const signature = sign('sha256', toBeSigned, issuer?.key ?? privateKey)
  const bytes = sequence(toBeSigned, ecdsaWithSha256, bits(signature))
  return {
    name,
    key: privateKey,
    publicKey,
    der: bytes,
    cert: `-----BEGIN CERTIFICATE-----\n${bytes.toString('base64').replace(/.{64}(?=.)/g, '$&\n')}\n-----END CERTIFICATE-----\n`,
    keyPem: privateKey.export({ type: 'pkcs8', format: 'pem' }) as string,
  }
}

function extensionsOf(
  {
    hosts = [],
    uris = [],
    usages = ['1.3.6.1.5.5.7.3.1', '1.3.6.1.5.5.7.3.2'],
    extensions = [],
  }: CertificateContent,
  isAuthority: boolean,
): readonly Buffer[] {
  const names = [
    ...hosts.map((host) =>
      isIPv4(host) ? der(0x87, Buffer.from(host.split('.').map(Number))) : der(0x82, Buffer.from(host)),
    ),
    ...uris.map((uri) => der(0x86, Buffer.from(uri))),
  ]
  return [
    ...(isAuthority
      ? [critical('2.5.29.19', sequence(truth())), critical('2.5.29.15', bits(Buffer.from([0x06]), 1))]
      : []),
    ...(isAuthority
      ? []
      : [
          critical('2.5.29.15', bits(Buffer.from([0x80]), 7)),
          extension('2.5.29.37', sequence(...usages.map(oid))),
        ]),
    ...(names.length === 0 ? [] : [extension('2.5.29.17', sequence(...names))]),
    ...extensions.map(([id, value]) => extension(id, value)),
  ]
}

function extension(id: string, value: Buffer): Buffer {
  return sequence(oid(id), octets(value))
}

function critical(id: string, value: Buffer): Buffer {
  return sequence(oid(id), truth(), octets(value))
}

function distinguishedName(commonName: string): Buffer {
  return sequence(set(sequence(oid('2.5.4.3'), utf8(commonName))))
}
