import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it, jest } from '@jest/globals'
import { describeOn, leakCheck, temporaryFolder } from '@ctr/testing'
import { RegistryClient, RegistryServer, type ImageIndex } from '../src/index.js'
import { programsIn, useInstalledClients } from './support/client-programs.js'
import { startDockerDaemon } from './support/docker-daemon.js'
import { pushIndex } from './support/push-index.js'

leakCheck()
jest.setTimeout(300_000)
useInstalledClients()

const anonymous = { credentials: 'anonymous' } as const

/** Digests and architectures of an index that the server has. */
async function platformsOf(name: string): Promise<ReadonlyMap<string | undefined, string>> {
  await using client = new RegistryClient(anonymous)
  const { manifests } = (await client.manifest(name)).document as ImageIndex
  return new Map(manifests.map(({ platform, digest }) => [platform?.architecture, digest]))
}

describeOn(
  ['root', 'bin:podman', 'bin:buildah'],
  'images of several platforms with podman and buildah',
  () => {
    it('are found in the catalog, pulled for one of them, and put together', async () => {
      using folder = temporaryFolder()
      await using server = await RegistryServer.start()
      const multi = await pushIndex(server, folder.path)
      const policy = join(folder.path, 'policy.json')
      writeFileSync(policy, '{"default":[{"type":"insecureAcceptAnything"}]}')
      const program = programsIn(folder.path)
      const storage = ['--root', 'root', '--runroot', 'runroot', '--storage-driver', 'vfs'].map((word) =>
        word.startsWith('r') ? join(folder.path, word) : word,
      )
      const podman = async (...words: string[]): Promise<string> =>
        await program('podman', ...storage, ...words)
      const buildah = async (...words: string[]): Promise<string> =>
        await program('buildah', ...storage, ...words)
      const plain = ['--tls-verify=false', '--signature-policy', policy]

      const found = await podman(
        'search',
        '--tls-verify=false',
        '--format',
        '{{.Name}}',
        `${server.address}/`,
      )
      expect(found.split('\n')).toEqual([`${server.address}/team/multi`])
      for (const [architecture, pull] of [
        ['arm64', podman],
        ['amd64', buildah],
      ] as const) {
        await pull('pull', ...plain, '--arch', architecture, multi)
        expect(await podman('image', 'inspect', '--format', '{{.Architecture}}', multi)).toBe(architecture)
        await podman('rmi', '--force', multi)
      }
      const list = `${server.address}/team/list:1`
      await podman('manifest', 'create', 'list')
      await podman('manifest', 'add', '--all', '--tls-verify=false', 'list', `docker://${multi}`)
      await podman('manifest', 'push', '--all', '--tls-verify=false', 'list', `docker://${list}`)
      expect(await platformsOf(list)).toEqual(await platformsOf(multi))
      await podman('manifest', 'rm', 'list')
    })
  },
)

describeOn(['bin:skopeo'], 'images of several platforms with skopeo', () => {
  it('are mirrored with all tags of their repository', async () => {
    using folder = temporaryFolder()
    await using server = await RegistryServer.start()
    await using other = await RegistryServer.start()
    const multi = await pushIndex(server, folder.path)
    const program = programsIn(folder.path)
    const sync = ['--insecure-policy', 'sync', '--all', '--src-tls-verify=false', '--dest-tls-verify=false']
    const from = `${server.address}/team/multi`
    await program('skopeo', ...sync, '--src', 'docker', '--dest', 'docker', from, `${other.address}/mirror`)
    const copied = `${other.address}/mirror/multi`
    expect(await platformsOf(`${copied}:all`)).toEqual(await platformsOf(multi))
    const listed = await program('skopeo', 'list-tags', '--tls-verify=false', `docker://${copied}`)
    expect(JSON.parse(listed)).toMatchObject({ Tags: ['all', 'amd64', 'arm64'] })
  })
})

describeOn(['bin:crane'], 'images of several platforms with crane', () => {
  it('are copied with all tags, and narrowed to a platform', async () => {
    using folder = temporaryFolder()
    await using server = await RegistryServer.start()
    const multi = await pushIndex(server, folder.path)
    const program = programsIn(folder.path)
    const copied = `${server.address}/copy/multi`
    await program('crane', 'copy', '--all-tags', `${server.address}/team/multi`, copied)
    expect((await program('crane', 'ls', copied)).split('\n')).toEqual(['all', 'amd64', 'arm64'])
    await program('crane', 'index', 'filter', multi, '--platform', 'linux/arm64', '-t', `${copied}:one`)
    expect([...(await platformsOf(`${copied}:one`)).keys()]).toEqual(['arm64'])
    await program('crane', 'export', '--platform', 'linux/arm64', multi, 'tree.tar')
    expect(readFileSync(join(folder.path, 'tree.tar')).includes('arm64')).toBe(true)
  })
})

describeOn(['bin:oras'], 'images of several platforms with oras', () => {
  it('are put together, resolved for a platform, and blobs come and go by themselves', async () => {
    using folder = temporaryFolder()
    await using server = await RegistryServer.start()
    const multi = await pushIndex(server, folder.path)
    const program = programsIn(folder.path)
    const oras = async (...words: string[]): Promise<string> => await program('oras', ...words)
    const name = `${server.address}/team/multi`
    const platforms = await platformsOf(multi)
    await oras('manifest', 'index', 'create', '--plain-http', `${name}:again`, 'amd64', 'arm64')
    expect([...(await platformsOf(`${name}:again`)).values()].sort()).toEqual([...platforms.values()].sort())
    expect(await oras('resolve', '--plain-http', '--platform', 'linux/arm64', `${name}:again`)).toBe(
      platforms.get('arm64'),
    )
    writeFileSync(join(folder.path, 'blob'), 'a blob')
    const pushed = JSON.parse(await oras('blob', 'push', '--plain-http', '--descriptor', name, 'blob')) as {
      readonly digest: string
    }
    await oras('blob', 'fetch', '--plain-http', '--output', 'fetched', `${name}@${pushed.digest}`)
    expect(readFileSync(join(folder.path, 'fetched'), 'utf8')).toBe('a blob')
    await oras('blob', 'delete', '--plain-http', '--force', `${name}@${pushed.digest}`)
    await expect(
      oras('blob', 'fetch', '--plain-http', '--output', '-', `${name}@${pushed.digest}`),
    ).rejects.toThrow(/not found/)
    expect(readdirSync(folder.path)).toContain('fetched')
  })
})

describeOn(['root', 'bin:dockerd', 'bin:docker'], 'images of several platforms with docker', () => {
  it('are pulled for one of them, looked at, and put together', async () => {
    using folder = temporaryFolder()
    await using server = await RegistryServer.start()
    const multi = await pushIndex(server, folder.path)
    await using daemon = await startDockerDaemon(join(folder.path, 'docker'))
    const { docker } = daemon
    await docker('pull', '--platform', 'linux/arm64', multi)
    expect(await docker('image', 'inspect', '--format', '{{.Architecture}}', multi)).toBe('arm64')
    await docker('rmi', multi)
    const inspected = JSON.parse(await docker('manifest', 'inspect', '--insecure', multi)) as ImageIndex
    expect(inspected.manifests.map(({ platform }) => platform?.architecture)).toEqual(['amd64', 'arm64'])
    const name = `${server.address}/team/multi`
    const list = `${name}:list`
    await docker('manifest', 'create', '--insecure', list, `${name}:amd64`, `${name}:arm64`)
    await docker('manifest', 'push', '--insecure', list)
    expect(await platformsOf(list)).toEqual(await platformsOf(multi))
  })
})
