import { generateKeyPairSync, sign, type KeyObject } from 'node:crypto'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { describe, expect, it } from '@jest/globals'
import { temporaryFolder } from '@ctr/testing'
import { keyBundle, statementOf, TestSigstore } from '../../test/support/sigstore.js'
import { tarOf } from '../../test/support/tar.js'
import { RegistryClient } from '../client/registry-client.js'
import type { Descriptor } from '../manifest/descriptor.js'
import { digestOf } from '../manifest/digest.js'
import { mediaTypes } from '../manifest/media-types.js'
import { parseReference } from '../reference/parse-reference.js'
import { RegistryServer } from '../server/registry-server.js'
import { ImageStore } from '../store/image-store.js'
import { requirementFor, type SignaturePolicy, type SignatureRequirement } from './policy.js'

const quick = { credentials: 'anonymous', retries: 0 } as const
const bundleType = 'application/vnd.dev.sigstore.bundle.v0.3+json'
const untrusted = { code: 'ERR_REGISTRY_UNTRUSTED' }
const identity = 'https://ci.test/team/app/release.yml'
const issuer = 'https://issuer.test'

/** What tests change in a bundle. */
interface Changeable {
  readonly verificationMaterial: { tlogEntries: { integratedTime: string }[] }
  readonly dsseEnvelope: { payload: string; signatures: unknown[] }
}

/** A registry with one image, and a store that has nothing yet. */
class Setting implements AsyncDisposable {
  readonly #folder = temporaryFolder()
  readonly client = new RegistryClient(quick)
  name = ''
  subject!: Descriptor
  store!: ImageStore
  #server!: RegistryServer

  static async make(): Promise<Setting> {
    const setting = new Setting()
    setting.#server = await RegistryServer.start()
    setting.name = `${setting.#server.address}/team/app:1`
    const from = await ImageStore.open(join(setting.#folder.path, 'from'))
    await from.add({ layers: [{ tar: tarOf('a', Buffer.from('a')) }] }, { reference: setting.name })
    setting.subject = await from.push(setting.name, quick)
    setting.store = await ImageStore.open(join(setting.#folder.path, 'store'))
    return setting
  }

  async pull(requirement: SignatureRequirement, bundles: readonly unknown[] = []): Promise<string> {
    const image = await this.store.pull(this.name, { ...quick, policy: { default: requirement }, bundles })
    await this.store.remove(this.name)
    return image.descriptor.digest
  }

  /** Enters a bundle among the referrers. */
  async attach(bundle: unknown): Promise<void> {
    await this.client.pushArtifact(this.name.replace(/:1$/, ''), {
      artifactType: bundleType,
      blobs: [{ mediaType: bundleType, bytes: Buffer.from(JSON.stringify(bundle)) }],
      subject: this.subject,
    })
  }

  /** Enters a signature as cosign does. */
  async sign(
    key: KeyObject,
    digest = this.subject.digest,
    type = 'cosign container image signature',
  ): Promise<void> {
    const critical = {
      identity: { 'docker-reference': '' },
      image: { 'docker-manifest-digest': digest },
      type,
    }
    const payload = Buffer.from(JSON.stringify({ critical, optional: null }))
    const signature = sign(key.asymmetricKeyType === 'ed25519' ? null : 'sha256', payload, key)
    const config = { mediaType: mediaTypes.ociConfig, digest: digestOf('{}'), size: 2 }
    const layer = {
      mediaType: 'application/vnd.dev.cosign.simplesigning.v1+json',
      digest: digestOf(payload),
      size: payload.length,
      annotations: { 'dev.cosignproject.cosign/signature': signature.toString('base64') },
    }
    await this.client.pushBlob(this.name, config, () => Readable.from([Buffer.from('{}')]))
    await this.client.pushBlob(this.name, layer, () => Readable.from([payload]))
    const json = { schemaVersion: 2, mediaType: mediaTypes.ociManifest, config, layers: [layer] }
    const tag = `sha256-${this.subject.digest.slice(7)}.sig`
    await this.client.pushManifest(this.name.replace(/:1$/, `:${tag}`), Buffer.from(JSON.stringify(json)))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.client.close()
    await this.#server.close()
    this.#folder[Symbol.dispose]()
  }
}

function newKey(): { readonly privateKey: KeyObject; readonly publicKey: KeyObject } {
  return generateKeyPairSync('ec', { namedCurve: 'P-256' })
}

function pem({ publicKey }: { readonly publicKey: KeyObject }): string {
  return publicKey.export({ type: 'spki', format: 'pem' }) as string
}

describe('requirementFor()', () => {
  const policy: SignaturePolicy = {
    default: 'reject',
    scopes: {
      'docker.io': { keys: ['hub'] },
      'docker.io/library': 'accept',
      'h.io/team/app': { keys: ['app'] },
    },
  }
  it.each([
    ['busybox', 'accept'],
    ['team/app', { keys: ['hub'] }],
    ['docker.io/librarynot/app', { keys: ['hub'] }],
    ['h.io/team/app:1', { keys: ['app'] }],
    ['h.io/team/app/part', { keys: ['app'] }],
    ['h.io/team/apple', 'reject'],
    ['team/constructor', { keys: ['hub'] }],
    ['docker.io.evil/library/x', 'reject'],
  ] as const)('%s', (name, expected) => {
    expect(requirementFor(policy, parseReference(name))).toEqual(expected)
  })
})

describe('ImageStore.pull() with a policy', () => {
  it('accepts or rejects without looking at signatures, and fetches no layer of what it rejects', async () => {
    await using setting = await Setting.make()
    await setting.pull('accept')
    await expect(setting.pull('reject')).rejects.toMatchObject(untrusted)
    const left = []
    for await (const blob of setting.store.blobs.list()) left.push(blob)
    expect(left).toEqual([])
  })

  it.each([
    ['ECDSA', () => generateKeyPairSync('ec', { namedCurve: 'P-256' })],
    ['RSA', () => generateKeyPairSync('rsa', { modulusLength: 2048 })],
    ['Ed25519', () => generateKeyPairSync('ed25519')],
  ] as const)(
    "takes what cosign's signature with a key of %s is about, and nothing else",
    async (_, make) => {
      await using setting = await Setting.make()
      const [key, other] = [make(), make()]
      await expect(setting.pull({ keys: [pem(key)] })).rejects.toThrow('it has no signature')
      await setting.sign(key.privateKey)
      expect(await setting.pull({ keys: [pem(other), pem(key)] })).toBe(setting.subject.digest)
      await expect(setting.pull({ keys: [pem(other)] })).rejects.toThrow('it is signed with another key')
      await expect(setting.pull({ keys: [] })).rejects.toMatchObject(untrusted)
      await setting.sign(key.privateKey, digestOf('another image'))
      await expect(setting.pull({ keys: [pem(key)] })).rejects.toThrow('about another image')
      await setting.sign(key.privateKey, setting.subject.digest, 'something else')
      await expect(setting.pull({ keys: [pem(key)] })).rejects.toMatchObject(untrusted)
    },
  )

  it('takes a bundle with a key, from the registry or at hand', async () => {
    await using setting = await Setting.make()
    const [key, other] = [newKey(), newKey()]
    const { digest } = setting.subject
    const bundle = keyBundle(statementOf(digest), key.privateKey)
    expect(await setting.pull({ keys: [pem(other), pem(key)] }, [bundle])).toBe(digest)
    await expect(setting.pull({ keys: [pem(other)] }, [bundle])).rejects.toThrow('signed with another key')
    for (const [wrong, reason] of [
      [keyBundle(statementOf(digestOf('other')), key.privateKey), 'about another image'],
      [keyBundle(statementOf(digest, 'https://slsa.dev/provenance/v1'), key.privateKey), 'another kind'],
      [keyBundle(Buffer.from('{}'), key.privateKey), 'no statement'],
      [{}, ''],
      [null, ''],
      ['rubbish', ''],
    ] as const)
      await expect(setting.pull({ keys: [pem(key)] }, [wrong])).rejects.toThrow(reason)
    await setting.attach({ not: 'a bundle' })
    await setting.attach(bundle)
    expect(await setting.pull({ keys: [pem(key)] })).toBe(digest)
  })

  it('takes a keyless bundle of the identity that is wanted, by a trusted root', async () => {
    await using setting = await Setting.make()
    const sigstore = new TestSigstore()
    const { trustedRoot } = sigstore
    const statement = statementOf(setting.subject.digest)
    const bundle = sigstore.bundle(statement, { identity, issuer })
    const wanted = { identity, issuer, trustedRoot }
    expect(await setting.pull(wanted, [bundle])).toBe(setting.subject.digest)
    await expect(setting.pull(wanted)).rejects.toThrow('it has no signature')
    await setting.attach(bundle)
    expect(await setting.pull(wanted)).toBe(setting.subject.digest)
  })

  it('refuses keyless bundles of others, of other authorities, out of time, changed, or unlogged', async () => {
    await using setting = await Setting.make()
    const sigstore = new TestSigstore()
    const { trustedRoot } = sigstore
    const statement = statementOf(setting.subject.digest)
    const fine = sigstore.bundle(statement, { identity, issuer })
    const wanted = { identity, issuer, trustedRoot }
    const change = (edit: (copy: Changeable) => unknown): unknown => {
      const copy = structuredClone(fine) as Changeable
      edit(copy)
      return copy
    }
    const key = generateKeyPairSync('ec', { namedCurve: 'P-256' })
    const refused: readonly (readonly [SignatureRequirement, unknown])[] = [
      [{ ...wanted, identity: `${identity}x` }, fine],
      [{ ...wanted, identity: identity.slice(0, -1) }, fine], // no pattern
      [{ ...wanted, identity: '.*' }, fine],
      [{ ...wanted, issuer: 'https://other.test' }, fine],
      [{ ...wanted, trustedRoot: new TestSigstore().trustedRoot }, fine],
      [{ ...wanted, trustedRoot: { ...trustedRoot, tlogs: [] } }, fine],
      [{ ...wanted, trustedRoot: {} }, fine],
      [{ keys: [pem(key)] }, fine],
      [wanted, sigstore.bundle(statementOf(digestOf('other')), { identity, issuer })],
      [wanted, sigstore.bundle(statement, { identity, issuer, expired: true })],
      [wanted, sigstore.bundle(statement, { identity: `${identity}.evil.test`, issuer })],
      [wanted, keyBundle(statement, key.privateKey)],
      [wanted, change((copy) => (copy.verificationMaterial.tlogEntries = []))],
      [wanted, change((copy) => (copy.verificationMaterial.tlogEntries[0]!.integratedTime = '1'))],
      [wanted, change((copy) => (copy.dsseEnvelope.payload = statementOf(digestOf('x')).toString('base64')))],
      [wanted, change((copy) => (copy.dsseEnvelope.signatures = []))],
    ]
    expect(await setting.pull(wanted, [fine])).toBe(setting.subject.digest)
    for (const [requirement, bundle] of refused)
      await expect(setting.pull(requirement, [bundle])).rejects.toMatchObject(untrusted)
  })
})
