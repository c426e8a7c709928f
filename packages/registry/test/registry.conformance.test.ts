import { execFile } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, it } from '@jest/globals'
import { describeOn, leakCheck, temporaryFolder } from '@ctr/testing'
import { ImageStore, mediaTypes, RegistryClient, RegistryServer, type ImageProgress } from '../src/index.js'
import { startDockerRegistry } from './support/docker-registry.js'
import { tarOf } from './support/tar.js'

leakCheck()

const run = promisify(execFile)
const anonymous = { credentials: 'anonymous' } as const
const ann = { username: 'ann', password: 'secret' }

async function skopeo(...parameters: string[]): Promise<string> {
  const { stdout } = await run('skopeo', ['--insecure-policy', ...parameters], { encoding: 'utf8' })
  return stdout
}

/** An image with three layers, one of them a few megabytes that do not compress. */
async function addImage(store: ImageStore, reference: string): ReturnType<ImageStore['add']> {
  const layers = [
    { tar: tarOf('hello', Buffer.from('hello\n')) },
    { tar: tarOf('random', randomBytes(5 * 1024 ** 2)) },
    { tar: tarOf('plain', Buffer.from('plain\n')), compression: 'none' as const },
  ]
  return await store.add(
    { config: { config: { Cmd: ['/hello'], Labels: { a: 'b' } } }, layers },
    { reference },
  )
}

describeOn(['bin:docker-registry'], "the client with Debian's docker-registry", () => {
  it('pushes and pulls an image, again without a transfer, and deletes it', async () => {
    using folder = temporaryFolder()
    await using registry = await startDockerRegistry(join(folder.path, 'registry'))
    const here = await ImageStore.open(join(folder.path, 'here'))
    const there = await ImageStore.open(join(folder.path, 'there'))
    const name = `${registry.address}/team/app:1`
    const added = await addImage(here, name)
    await here.push(name, anonymous)
    const events: ImageProgress[] = []
    await here.push(name, { ...anonymous, onProgress: (event) => events.push(event) })
    expect(events.filter((event) => event.kind === 'blob' && event.status === 'exists')).toHaveLength(4)
    const pulled = await there.pull(name, anonymous)
    expect(pulled.descriptor).toEqual(added.descriptor)
    expect(pulled.config).toEqual(added.config)
    for (const { descriptor } of pulled.layers)
      expect(await there.blobs.bytes(descriptor, 2 ** 24)).toHaveLength(descriptor.size)

    await here.push(`${registry.address}/other/app:2`, { ...anonymous, image: name, mountFrom: 'team/app' })
    await using client = new RegistryClient(anonymous)
    expect(await namesOf(client.tags(name))).toEqual(['1'])
    expect((await namesOf(client.catalog(registry.address))).sort()).toEqual(['other/app', 'team/app'])
    await client.deleteManifest(`${registry.address}/team/app@${added.descriptor.digest}`)
    await expect(client.resolve(name)).rejects.toMatchObject({
      code: 'ERR_REGISTRY_NOT_FOUND',
      errors: [{ code: 'MANIFEST_UNKNOWN' }],
    })
  })

  it('follows an index to a platform', async () => {
    using folder = temporaryFolder()
    await using registry = await startDockerRegistry(join(folder.path, 'registry'))
    const store = await ImageStore.open(join(folder.path, 'store'))
    await using client = new RegistryClient(anonymous)
    const repository = `${registry.address}/multi`
    const manifests = []
    for (const architecture of ['amd64', 'arm64', 's390x']) {
      const image = await store.add(
        { config: { architecture }, layers: [{ tar: tarOf('arch', Buffer.from(architecture)) }] },
        { reference: architecture },
      )
      await store.push(`${repository}:${architecture}`, { ...anonymous, image: architecture })
      manifests.push({ ...image.descriptor, platform: { os: 'linux', architecture } })
    }
    const index = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType: mediaTypes.ociIndex, manifests }))
    const { digest } = await client.pushManifest(`${repository}:all`, index)
    const other = await ImageStore.open(join(folder.path, 'other'))
    for (const platform of ['linux/arm64', 'linux/s390x']) {
      const pulled = await other.pull(`${repository}:all`, { ...anonymous, platform })
      expect(`${pulled.config.os}/${pulled.config.architecture}`).toBe(platform)
      expect(pulled.repositoryDigests).toEqual([`${repository}@${digest}`])
    }
    await expect(
      other.pull(`${repository}:all`, { ...anonymous, platform: 'linux/riscv64' }),
    ).rejects.toMatchObject({ code: 'ERR_REGISTRY_NO_PLATFORM' })
    await expect(
      other.pull(`${repository}:arm64`, { ...anonymous, platform: 'linux/amd64' }),
    ).rejects.toMatchObject({ code: 'ERR_REGISTRY_NO_PLATFORM' })
  })

  it('keeps all platforms of an index, and enters referrers in the tag that stands for the list', async () => {
    using folder = temporaryFolder()
    await using registry = await startDockerRegistry(join(folder.path, 'registry'))
    const store = await ImageStore.open(join(folder.path, 'store'))
    await using client = new RegistryClient(anonymous)
    const repository = `${registry.address}/multi`
    const manifests = []
    for (const architecture of ['amd64', 'riscv64']) {
      const layers = [{ tar: tarOf('arch', Buffer.from(architecture)) }]
      const image = await store.add({ config: { architecture }, layers }, { reference: architecture })
      await store.push(`${repository}:${architecture}`, { ...anonymous, image: architecture })
      manifests.push({ ...image.descriptor, platform: { os: 'linux', architecture } })
    }
    const bytes = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType: mediaTypes.ociIndex, manifests }))
    const index = await client.pushManifest(`${repository}:all`, bytes)
    const other = await ImageStore.open(join(folder.path, 'other'))
    await other.pull(`${repository}:all`, { ...anonymous, platforms: 'all' })
    expect(
      await other.push(`${registry.address}/copy:all`, { ...anonymous, image: `${repository}:all` }),
    ).toEqual(index)

    const artifact = { artifactType: 'application/vnd.test', blobs: [], subject: index }
    const first = await client.pushArtifact(repository, { ...artifact, annotations: { n: '1' } })
    const second = await client.pushArtifact(repository, { ...artifact, annotations: { n: '2' } })
    const digests = []
    for await (const { digest } of client.referrers(`${repository}:all`)) digests.push(digest)
    expect(digests).toEqual([first.digest, second.digest])
    expect(await namesOf(client.tags(repository))).toContain(`sha256-${index.digest.slice(7)}`)
  })

  it('lists more repositories and tags than one page has, and gives configs and blobs by themselves', async () => {
    using folder = temporaryFolder()
    await using registry = await startDockerRegistry(join(folder.path, 'registry'))
    await using client = new RegistryClient(anonymous)
    const names = Array.from({ length: 105 }, (_, n) => `many/n${String(n).padStart(3, '0')}`)
    const empty = { artifactType: 'application/vnd.test', blobs: [] }
    const pushed = await Promise.all(
      names.map(async (name) => await client.pushArtifact(`${registry.address}/${name}`, empty)),
    )
    expect((await namesOf(client.catalog(registry.address))).sort()).toEqual(names)
    const one = `${registry.address}/${names[0]!}`
    const { bytes } = await client.manifest(`${one}@${pushed[0]!.digest}`)
    const tags = names.map((name) => name.slice('many/'.length))
    await Promise.all(tags.map(async (tag) => await client.pushManifest(`${one}:${tag}`, bytes)))
    expect((await namesOf(client.tags(one))).sort()).toEqual(tags)

    const store = await ImageStore.open(join(folder.path, 'store'))
    const added = await addImage(store, `${registry.address}/app:1`)
    await store.push(`${registry.address}/app:1`, anonymous)
    const { manifest } = await client.resolve(`${registry.address}/app:1`)
    const config = await client.config(`${registry.address}/app:1`, manifest.config)
    expect(config).toEqual(added.config)
    const [layer] = added.manifest.layers
    const hash = createHash('sha256')
    for await (const chunk of await client.blob(`${registry.address}/app`, layer!))
      hash.update(chunk as Buffer)
    expect(`sha256:${hash.digest('hex')}`).toBe(layer!.digest)
    expect(await client.hasBlob(`${registry.address}/app`, layer!.digest)).toBe(true)
    expect(await client.hasBlob(`${registry.address}/app`, `sha256:${'0'.repeat(64)}`)).toBe(false)
  })

  it('logs in', async () => {
    using folder = temporaryFolder()
    await using registry = await startDockerRegistry(join(folder.path, 'registry'), true)
    const store = await ImageStore.open(join(folder.path, 'store'))
    const name = `${registry.address}/app:1`
    const { descriptor } = await addImage(store, name)
    await expect(store.push(name, anonymous)).rejects.toMatchObject({
      code: 'ERR_REGISTRY_UNAUTHORIZED',
      status: 401,
    })
    await expect(
      store.push(name, { credentials: { username: 'ann', password: 'no' } }),
    ).rejects.toMatchObject({ code: 'ERR_REGISTRY_UNAUTHORIZED' })
    expect(await store.push(name, { credentials: ann })).toMatchObject({ digest: descriptor.digest })
    await using client = new RegistryClient({ credentials: ann })
    await client.ping(registry.address)
  })
})

describeOn(['bin:skopeo'], 'RegistryServer with skopeo', () => {
  it('takes what skopeo pushes from our store, and gives it back', async () => {
    using folder = temporaryFolder()
    await using server = await RegistryServer.start({ root: join(folder.path, 'registry'), users: [ann] })
    const store = await ImageStore.open(join(folder.path, 'store'))
    const added = await addImage(store, 'app:1')
    const source = `oci:${join(folder.path, 'store')}:docker.io/library/app:1`
    const name = `docker://${server.address}/team/app:1`
    await skopeo(
      'copy',
      '--preserve-digests',
      '--dest-tls-verify=false',
      '--dest-creds=ann:secret',
      source,
      name,
    )
    const inspected: unknown = JSON.parse(
      await skopeo('inspect', '--tls-verify=false', '--creds=ann:secret', name),
    )
    expect(inspected).toMatchObject({ Digest: added.descriptor.digest, RepoTags: ['1'], Labels: { a: 'b' } })
    const pulled = await (
      await ImageStore.open(join(folder.path, 'other'))
    ).pull(name.slice('docker://'.length), { credentials: ann })
    expect(pulled.descriptor).toEqual(added.descriptor)

    await skopeo(
      'copy',
      '--src-tls-verify=false',
      '--src-creds=ann:secret',
      name,
      `dir:${join(folder.path, 'dir')}`,
    )
    await skopeo(
      'copy',
      '--dest-tls-verify=false',
      '--dest-creds=ann:secret',
      '--format=v2s2',
      `dir:${join(folder.path, 'dir')}`,
      `docker://${server.address}/team/app:docker`,
    )
    const docker = await store.pull(`${server.address}/team/app:docker`, { credentials: ann })
    expect(docker.manifest.mediaType).toBe(mediaTypes.dockerManifest)
    expect(docker.config.config).toMatchObject({ Cmd: ['/hello'] })
    await skopeo('delete', '--tls-verify=false', '--creds=ann:secret', name)
    await expect(store.pull(name.slice('docker://'.length), { credentials: ann })).rejects.toMatchObject({
      code: 'ERR_REGISTRY_NOT_FOUND',
    })
  })

  it('reads images that skopeo put into the store folder', async () => {
    using folder = temporaryFolder()
    const from = await ImageStore.open(join(folder.path, 'from'))
    const added = await addImage(from, 'app:1')
    const to = join(folder.path, 'to')
    await skopeo('copy', `oci:${join(folder.path, 'from')}:docker.io/library/app:1`, `oci:${to}:app:2`)
    const store = await ImageStore.open(to)
    expect((await store.get('app:2')).id).toBe(added.id)
    expect((await store.list()).map(({ references }) => references)).toEqual([['docker.io/library/app:2']])
  })
})

async function namesOf(source: AsyncIterable<string>): Promise<string[]> {
  const names: string[] = []
  for await (const name of source) names.push(name)
  return names
}
