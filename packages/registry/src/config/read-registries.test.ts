import { generateKeyPairSync } from 'node:crypto'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from '@jest/globals'
import { temporaryFolder } from '@ctr/testing'
import { makeIdentity } from '../../test/support/x509.js'
import { RegistryClient } from '../client/registry-client.js'
import { parseReference } from '../reference/parse-reference.js'
import { RegistryServer } from '../server/registry-server.js'
import { requirementFor } from '../trust/policy.js'
import { readRegistries, type RegistriesConfig } from './read-registries.js'

/** Reads a file of this content. */
async function read(folder: string, content: unknown): Promise<RegistriesConfig> {
  const path = join(folder, 'registries.json')
  writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content))
  return await readRegistries(path)
}

describe('readRegistries()', () => {
  it('gives options of a client, with the files that it names beside it', async () => {
    using folder = temporaryFolder()
    const authority = makeIdentity({ name: 'authority' })
    const serving = makeIdentity({ name: 'server', issuer: authority, hosts: ['127.0.0.1', 'localhost'] })
    const own = makeIdentity({ name: 'client', issuer: authority })
    mkdirSync(join(folder.path, 'certs'))
    const files = { 'certs/ca.pem': authority.cert, 'own.pem': own.cert, 'own.key': own.keyPem }
    for (const [name, text] of Object.entries(files)) writeFileSync(join(folder.path, name), text)
    await using server = await RegistryServer.start({
      tls: { cert: serving.cert, key: serving.keyPem, clientCa: authority.cert },
    })
    const written = { ca: 'certs/ca.pem', cert: 'own.pem', key: 'own.key' }
    const { client, policy } = await read(folder.path, {
      registries: {
        [server.address]: written,
        'docker.io': { mirrors: ['mirror.example', '10.0.0.5:5000'] },
        'h.example:443': { ca: ['certs/ca.pem'] },
        'old.example': { insecure: true },
      },
      insecure: ['10.0.0.0/8'],
    })
    expect(policy).toBeUndefined()
    expect(client.mirrors).toEqual({ 'docker.io': ['mirror.example', '10.0.0.5:5000'] })
    expect(client.insecure).toEqual(['old.example', '10.0.0.0/8'])
    expect(client.tls?.['h.example']).toEqual({ ca: [authority.cert] })
    await using registry = new RegistryClient({ ...client, credentials: 'anonymous' })
    await registry.ping(server.address)
    await using without = new RegistryClient({ credentials: 'anonymous', retries: 0 })
    await expect(without.ping(server.address)).rejects.toMatchObject({ name: 'RegistryError' })
  })

  it('gives a policy', async () => {
    using folder = temporaryFolder()
    const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
    const pem = publicKey.export({ type: 'spki', format: 'pem' }) as string
    writeFileSync(join(folder.path, 'cosign.pub'), pem)
    writeFileSync(join(folder.path, 'root.json'), '{"tlogs":[]}')
    const someone = { identity: 'ann@h.example', issuer: 'https://h.example' }
    const { policy } = await read(folder.path, {
      trust: {
        default: 'reject',
        scopes: {
          'docker.io/library': 'accept',
          'h.example:5000': { keys: ['cosign.pub'] },
          'ghcr.io/team/app': { ...someone, trustedRoot: 'root.json' },
        },
      },
    })
    const of = (name: string): unknown => requirementFor(policy!, parseReference(name))
    expect(of('busybox')).toBe('accept')
    expect(of('team/app')).toBe('reject')
    expect(of('h.example:5000/app')).toEqual({ keys: [pem] })
    expect(of('ghcr.io/team/app')).toEqual({ ...someone, trustedRoot: { tlogs: [] } })
  })

  it.each<readonly [string, unknown, RegExp]>([
    ['no JSON', '{', /it cannot be read/],
    ['a list', [], /it is not as it must be/],
    ['an unknown member', { trusts: {} }, /\/trusts is not as it must be: Unexpected property/],
    [
      'an unknown member of a registry',
      { registries: { 'a.b': { insecur: true } } },
      /\/registries\/a.b\/insecur/,
    ],
    ['a registry that is none', { registries: { busybox: {} } }, /registries of busybox/],
    ['a mirror that is none', { registries: { 'a.b': { mirrors: ['https://m.b'] } } }, /mirrors of a.b/],
    ['a missing file', { registries: { 'a.b': { ca: 'no.pem' } } }, /ENOENT.*no\.pem/],
    ['a certificate without its key', { registries: { 'a.b': { cert: 'a' } } }, /both cert and key/],
    ['a policy without a default', { trust: { scopes: {} } }, /\/trust\/default/],
    ['an unknown requirement', { trust: { default: 'acept' } }, /\/trust\/default/],
    ['a requirement without keys', { trust: { default: { keys: [] } } }, /\/trust\/default/],
    ['a key that is none', { trust: { default: { keys: ['registries.json'] } } }, /key registries\.json/],
    [
      'a scope without a registry',
      { trust: { default: 'accept', scopes: { 'team/app': 'reject' } } },
      /scope "team/,
    ],
    [
      'a scope with a tag',
      { trust: { default: 'accept', scopes: { 'a.b/x:1': 'reject' } } },
      /scope "a.b\/x:1"/,
    ],
    [
      'another name of a registry',
      { trust: { default: 'accept', scopes: { 'index.docker.io/x': 'reject' } } },
      /its registry is docker.io/,
    ],
  ])('refuses %s', async (_, content, message) => {
    using folder = temporaryFolder()
    const reading = read(folder.path, content)
    await expect(reading).rejects.toThrow(message)
    await expect(reading).rejects.toMatchObject({ code: 'ERR_REGISTRY_CONFIG' })
  })

  it('refuses a file that is not there', async () => {
    await expect(readRegistries('/no/such.json')).rejects.toThrow(/registries of \/no\/such.json: ENOENT/)
  })
})
