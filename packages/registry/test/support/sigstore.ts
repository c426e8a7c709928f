import { createHash, generateKeyPairSync, sign, type KeyObject } from 'node:crypto'
import { utf8 } from './der.js'
import { makeIdentity, type Identity } from './x509.js'

const statementType = 'application/vnd.in-toto+json'
const signedPredicate = 'https://sigstore.dev/cosign/sign/v1'
const issuerExtension = '1.3.6.1.4.1.57264.1.8'
const codeSigning = '1.3.6.1.5.5.7.3.3'

/** A statement that a digest is signed, or whatever else `predicateType` says. */
export function statementOf(digest: string, predicateType = signedPredicate): Buffer {
  const [algorithm = '', hex] = digest.split(':')
  const json = {
    _type: 'https://in-toto.io/Statement/v1',
    subject: [{ name: '', digest: { [algorithm]: hex } }],
    predicateType,
    predicate: {},
  }
  return Buffer.from(JSON.stringify(json))
}

/** The envelope of a statement, signed (DSSE). */
function envelopeOf(payload: Buffer, key: KeyObject): { readonly json: object; readonly signature: Buffer } {
  const head = `DSSEv1 ${statementType.length} ${statementType} ${payload.length} `
  const signature = sign('sha256', Buffer.concat([Buffer.from(head), payload]), key)
  const signatures = [{ sig: signature.toString('base64'), keyid: '' }]
  return { json: { payload: payload.toString('base64'), payloadType: statementType, signatures }, signature }
}

/** A bundle as `cosign sign --key` makes it. */
export function keyBundle(payload: Buffer, key: KeyObject): object {
  return {
    mediaType: 'application/vnd.dev.sigstore.bundle.v0.3+json',
    verificationMaterial: { publicKey: { hint: 'any' }, tlogEntries: [] },
    dsseEnvelope: envelopeOf(payload, key).json,
  }
}

/** An authority like Fulcio and a log like Rekor, with the trusted root that names them. */
export class TestSigstore {
  readonly #authority: Identity = makeIdentity({
    name: 'test authority',
    notBefore: new Date('2020-01-01'),
    notAfter: new Date('2100-01-01'),
  })
  readonly #log = generateKeyPairSync('ec', { namedCurve: 'P-256' })

  /** The JSON of a `trusted_root.json`. */
  get trustedRoot(): object {
    const validFor = { start: '2020-01-01T00:00:00Z' }
    return {
      mediaType: 'application/vnd.dev.sigstore.trustedroot+json;version=0.1',
      tlogs: [
        {
          baseUrl: 'https://rekor.test',
          hashAlgorithm: 'SHA2_256',
          publicKey: {
            rawBytes: this.#logKey.toString('base64'),
            keyDetails: 'PKIX_ECDSA_P256_SHA_256',
            validFor,
          },
          logId: { keyId: this.#logId.toString('base64') },
        },
      ],
      certificateAuthorities: [
        {
          subject: { organization: 'test', commonName: 'test authority' },
          uri: 'https://fulcio.test',
          certChain: { certificates: [{ rawBytes: this.#authority.der.toString('base64') }] },
          validFor,
        },
      ],
      ctlogs: [],
      timestampAuthorities: [],
    }
  }

  /** A bundle as keyless `cosign sign` makes it: the certificate lives ten minutes, the log saw it `at`. */
  bundle(
    payload: Buffer,
    {
      identity,
      issuer,
      at = new Date(Date.now() - 24 * 3600_000),
      expired = false,
    }: { readonly identity: string; readonly issuer: string; readonly at?: Date; readonly expired?: boolean },
  ): object {
    const start = new Date(at.getTime() - (expired ? 3600_000 : 60_000))
    const leaf = makeIdentity({
      name: '',
      issuer: this.#authority,
      uris: [identity],
      usages: [codeSigning],
      notBefore: start,
      notAfter: new Date(start.getTime() + 600_000),
      extensions: [[issuerExtension, utf8(issuer)]],
    })
    const { json, signature } = envelopeOf(payload, leaf.key)
    const entry = this.#entry(payload, signature, leaf, Math.floor(at.getTime() / 1000))
    return {
      mediaType: 'application/vnd.dev.sigstore.bundle.v0.3+json',
      verificationMaterial: {
        certificate: { rawBytes: leaf.der.toString('base64') },
        tlogEntries: [entry],
      },
      dsseEnvelope: json,
    }
  }

  #entry(payload: Buffer, signature: Buffer, { cert }: Identity, integratedTime: number): object {
    const spec = {
      payloadHash: { algorithm: 'sha256', value: sha256(payload).toString('hex') },
      signatures: [
        { signature: signature.toString('base64'), verifier: Buffer.from(cert).toString('base64') },
      ],
    }
    const body = Buffer.from(JSON.stringify({ apiVersion: '0.0.1', kind: 'dsse', spec }))
    const logID = this.#logId.toString('hex')
    const promised = JSON.stringify({ body: body.toString('base64'), integratedTime, logID, logIndex: 0 })
    const rootHash = sha256(Buffer.concat([Buffer.from([0]), body])).toString('base64') // a tree of one leaf
    const note = `rekor.test\n1\n${rootHash}\n`
    const noteSignature = Buffer.concat([this.#logId.subarray(0, 4), this.#sign(note)]).toString('base64')
    return {
      logIndex: '0',
      logId: { keyId: this.#logId.toString('base64') },
      kindVersion: { kind: 'dsse', version: '0.0.1' },
      integratedTime: String(integratedTime),
      inclusionPromise: { signedEntryTimestamp: this.#sign(promised).toString('base64') },
      inclusionProof: {
        logIndex: '0',
        rootHash,
        treeSize: '1',
        hashes: [],
        checkpoint: { envelope: `${note}\n\u2014 rekor.test ${noteSignature}\n` },
      },
      canonicalizedBody: body.toString('base64'),
    }
  }

  #sign(text: string): Buffer {
    return sign('sha256', Buffer.from(text), this.#log.privateKey)
  }

  get #logKey(): Buffer {
    return this.#log.publicKey.export({ type: 'spki', format: 'der' })
  }

  get #logId(): Buffer {
    return sha256(this.#logKey)
  }
}

function sha256(bytes: Buffer): Buffer {
  return createHash('sha256').update(bytes).digest()
}
