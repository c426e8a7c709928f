import { generateKeyPairSync, sign, type KeyObject } from 'node:crypto'
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it, jest } from '@jest/globals'
import { packLayer } from '@ctr/overlay'
import { ImageStore, mediaTypes, RegistryClient, RegistryServer } from '@ctr/registry'
import { describeOn, leakCheck } from '@ctr/testing'
import { needs, setUp } from './suite.js'

jest.setTimeout(120_000)
leakCheck()

const tls = join(import.meta.dirname, '../../registry/test/fixtures/tls')

/** A sigstore bundle that says: signed with this key. */
function signatureOf(digest: string, key: KeyObject): string {
  const type = 'application/vnd.in-toto+json'
  const statement = {
    _type: 'https://in-toto.io/Statement/v1',
    subject: [{ name: '', digest: { sha256: digest.slice('sha256:'.length) } }],
    predicateType: 'https://sigstore.dev/cosign/sign/v1',
    predicate: {},
  }
  const payload = Buffer.from(JSON.stringify(statement))
  const signed = Buffer.concat([Buffer.from(`DSSEv1 ${type.length} ${type} ${payload.length} `), payload])
  const signatures = [{ sig: sign('sha256', signed, key).toString('base64'), keyid: '' }]
  return JSON.stringify({
    mediaType: 'application/vnd.dev.sigstore.bundle.v0.3+json',
    verificationMaterial: { publicKey: { hint: 'any' }, tlogEntries: [] },
    dsseEnvelope: { payload: payload.toString('base64'), payloadType: type, signatures },
  })
}

describeOn(needs, 'ctrjs and registries', () => {
  const suite = setUp()
  const digestOf = async (): Promise<string> => {
    await using client = new RegistryClient({ credentials: 'anonymous' })
    return (await client.manifest(suite.image)).descriptor.digest
  }
  /** Writes a file of registries and gives the flag for it. */
  const conf = (content: object): readonly string[] => {
    const path = join(suite.folder, 'registries.json')
    writeFileSync(path, JSON.stringify(content))
    return ['--registries-conf', path]
  }

  it('shows certificates of its own, by flags and by a file', async () => {
    const [cert, key] = [readFileSync(join(tls, 'server.pem')), readFileSync(join(tls, 'server.key'))]
    await using server = await RegistryServer.start({
      tls: { cert, key, clientCa: readFileSync(join(tls, 'ca.pem')) },
    })
    const name = `${server.address}/team/app:1`
    const folder = join(suite.folder, 'certs')
    mkdirSync(folder)
    const files = { 'ca.pem': 'ca.crt', 'client.pem': 'client.cert', 'client.key': 'client.key' }
    for (const [from, to] of Object.entries(files)) copyFileSync(join(tls, from), join(folder, to))
    await suite.ctrjs.run('tag', suite.image, name)
    expect(await suite.ctrjs.run('push', '-q', name)).toMatchObject({ code: 1 })
    expect(await suite.ctrjs.run('push', '-q', '--cert-dir', folder, name)).toMatchObject({
      code: 0,
      stderr: '',
    })
    await suite.ctrjs.run('rmi', name)
    const registries = {
      [server.address]: { ca: join(folder, 'ca.crt'), cert: 'client.cert', key: 'client.key' },
    }
    writeFileSync(join(folder, 'registries.json'), JSON.stringify({ registries }))
    const flags = ['--registries-conf', join(folder, 'registries.json')]
    expect(await suite.ctrjs.run(...flags, 'pull', '-q', name)).toMatchObject({
      code: 0,
      stdout: `${name}\n`,
    })
    expect(await suite.ctrjs.run('pull', '--cert-dir', tls, name)).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('neither *.crt nor *.cert'),
    })
    expect(await suite.ctrjs.run('pull', '--tls-verify=true', suite.image)).toMatchObject({ code: 1 })
    expect(await suite.ctrjs.run('pull', '--tls-verify=perhaps', suite.image)).toMatchObject({ code: 125 })
    await suite.ctrjs.run('rmi', name)
  })

  it('reads images of docker.io and of others from mirrors', async () => {
    const mirrored = `${suite.registry}/library/mirrored:1`
    await suite.ctrjs.run('tag', suite.image, mirrored)
    await suite.ctrjs.run('push', '-q', mirrored)
    await suite.ctrjs.run('rmi', mirrored)
    const flags = ['--registry-mirror', suite.registry]
    const args = ['run', '--rm', '-q', '--network', 'none', 'mirrored:1', 'cat', '/etc/motd']
    expect(await suite.ctrjs.run(...flags, ...args)).toEqual({ code: 0, stdout: 'hello\n', stderr: '' })
    const registries = { 'far.invalid': { mirrors: [suite.registry] } }
    const far = 'far.invalid/library/mirrored:1'
    expect(await suite.ctrjs.run(...conf({ registries }), 'pull', '-q', far)).toMatchObject({
      code: 0,
      stdout: `${far}\n`,
    })
    await suite.ctrjs.run('rmi', 'mirrored:1', far)
  })

  it('takes only what a policy trusts', async () => {
    const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
    const key = join(suite.folder, 'cosign.pub')
    const bundle = join(suite.folder, 'bundle.json')
    writeFileSync(key, publicKey.export({ type: 'spki', format: 'pem' }))
    writeFileSync(bundle, signatureOf(await digestOf(), privateKey))
    const pull = ['pull', '-q', suite.image]
    const refused = { code: 1, stderr: expect.stringContaining('cannot trust') }
    expect(await suite.ctrjs.run(...pull, '--key', key)).toMatchObject({ code: 1 }) // flags stand before
    expect(await suite.ctrjs.run('pull', '-q', '--key', key, suite.image)).toMatchObject(refused)
    const signed = ['pull', '-q', '--key', key, '--bundle', bundle, suite.image]
    expect(await suite.ctrjs.run(...signed)).toMatchObject({ code: 0, stderr: '' })
    const scopes = { [suite.registry]: { keys: ['cosign.pub'] } }
    const strict = conf({ trust: { default: 'reject', scopes } })
    expect(await suite.ctrjs.run(...strict, ...pull)).toMatchObject(refused)
    expect(await suite.ctrjs.run(...strict, 'pull', '-q', '--bundle', bundle, suite.image)).toMatchObject({
      code: 0,
    })
    const run = ['run', '--rm', '-q', '--pull', 'always', '--network', 'none', suite.image, 'true']
    expect(await suite.ctrjs.run(...strict, ...run)).toMatchObject({
      code: 125,
      stderr: expect.stringContaining('cannot trust'),
    })
    expect(await suite.ctrjs.run(...conf({ trust: { default: 'acept' } }), ...pull)).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/cannot use the registries of .*registries\.json: \/trust\/default/),
    })
    expect(await suite.ctrjs.run('--registries-conf', '/no/such', 'ps')).toMatchObject({ code: 0 })
    expect(await suite.ctrjs.run('pull', '--certificate-identity', 'x', suite.image)).toMatchObject({
      code: 125,
    })
    expect(await suite.ctrjs.run('pull', '--key', '/no/such', suite.image)).toMatchObject({ code: 125 })
  })

  it('keeps, pushes, saves and runs one platform, or all', async () => {
    const name = `${suite.registry}/team/multi:1`
    await pushMulti(name, join(suite.folder, 'multi'))
    const architecture = async (): Promise<string> => {
      const { stdout } = await suite.ctrjs.run('inspect', name)
      return (JSON.parse(stdout) as { Architecture: string }[])[0]!.Architecture
    }
    const other = process.arch === 'x64' ? 'arm64' : 'amd64'
    const own = process.arch === 'x64' ? 'amd64' : 'arm64'
    await suite.ctrjs.run('pull', '-q', '--platform', `linux/${other}`, name)
    expect(await architecture()).toBe(other)
    const run = ['run', '--rm', '--pull', 'never', '--network', 'none', '--platform', `linux/${own}`, name]
    expect(await suite.ctrjs.run(...run)).toMatchObject({
      code: 125,
      stderr: expect.stringContaining(`it is not here for linux/${own}; pull it first`),
    })
    const missing = run.map((word) => (word === 'never' ? 'missing' : word))
    expect(await suite.ctrjs.run(...missing, 'cat', '/arch')).toMatchObject({ code: 0, stdout: own })
    expect(await suite.ctrjs.run('pull', '--all-platforms', '--platform', 'linux/amd64', name)).toMatchObject(
      {
        code: 125,
      },
    )
    await suite.ctrjs.run('pull', '-q', '--all-platforms', name)
    const copy = `${suite.registry}/team/copy`
    for (const tag of ['all', 'one']) await suite.ctrjs.run('tag', name, `${copy}:${tag}`)
    expect(await suite.ctrjs.run('push', '-q', `${copy}:all`)).toMatchObject({ code: 0 })
    expect(await suite.ctrjs.run('push', '-q', '--platform', `linux/${other}`, `${copy}:one`)).toMatchObject({
      code: 0,
    })
    await using client = new RegistryClient({ credentials: 'anonymous' })
    expect((await client.manifest(`${copy}:all`)).document).toHaveProperty('manifests.length', 2)
    expect((await client.manifest(`${copy}:one`)).document).toHaveProperty('config')
    const archive = join(suite.folder, 'one.tar')
    await suite.ctrjs.run('save', '--platform', `linux/${other}`, '-o', archive, name)
    await suite.ctrjs.run('rmi', name, `${copy}:all`, `${copy}:one`)
    await suite.ctrjs.run('load', '-i', archive)
    expect(await architecture()).toBe(other)
    await suite.ctrjs.run('rmi', name)
    const [ofOwn, ofOther] = [`linux/${own}`, `linux/${other}`]
    const all = join(suite.folder, 'all.tar')
    await suite.ctrjs.run('pull', '-q', '--all-platforms', name)
    await suite.ctrjs.run('save', '-o', all, name)
    await suite.ctrjs.run('rmi', name)
    await suite.ctrjs.run('load', '--platform', ofOther, '-i', all)
    expect(await architecture()).toBe(other)
    await suite.ctrjs.run('rmi', name)
    expect(await suite.ctrjs.run('load', '--platform', 'linux/s390x', '-i', all)).toMatchObject({
      ...{ code: 1, stderr: expect.stringContaining('the archive has none') },
    })
    await suite.ctrjs.run('load', '-i', all)
    expect(await suite.ctrjs.run('rmi', '--platform', 'linux/s390x', name)).toMatchObject({ code: 1 })
    expect(await suite.ctrjs.run('rmi', '--platform', ofOther, name)).toMatchObject({
      ...{ code: 0, stdout: expect.stringMatching(/^(Deleted: sha256:[0-9a-f]{64}\n){4}$/) },
    })
    expect(await suite.ctrjs.run('history', '--platform', ofOther, name)).toMatchObject({ code: 1 })
    expect(await suite.ctrjs.run(...run, 'cat', '/arch')).toMatchObject({ code: 0, stdout: own })
    expect(await suite.ctrjs.run('rmi', '--platform', ofOwn, name)).toMatchObject({
      ...{ code: 0, stdout: expect.stringMatching(/^Untagged: /) },
    })
  })
})

/** Publishes an image of busybox for two processors; what it is for stands in `/arch`. */
async function pushMulti(name: string, folder: string): Promise<void> {
  const store = await ImageStore.open(folder)
  const anonymous = { credentials: 'anonymous' } as const
  const manifests = []
  for (const architecture of ['amd64', 'arm64']) {
    const files = [
      { type: 'file', path: 'bin/busybox', source: '/bin/busybox', mode: 0o755 },
      { type: 'symlink', path: 'bin/cat', target: 'busybox' },
      { type: 'file', path: 'arch', content: architecture },
    ] as const
    const { stream } = packLayer(files, { compression: 'none' })
    const config = { architecture, config: { Cmd: ['cat', '/arch'], Env: ['PATH=/bin'] } }
    const { descriptor } = await store.add({ config, layers: [{ tar: stream }] }, { reference: architecture })
    await store.push(`${name}-${architecture}`, { ...anonymous, image: architecture })
    manifests.push({ ...descriptor, platform: { os: 'linux', architecture } })
  }
  await using client = new RegistryClient(anonymous)
  const index = { schemaVersion: 2, mediaType: mediaTypes.ociIndex, manifests }
  await client.pushManifest(name, Buffer.from(JSON.stringify(index)))
}
