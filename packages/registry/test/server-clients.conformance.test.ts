import { execFile } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { hashSync } from 'bcryptjs'
import { expect, it } from '@jest/globals'
import { describeOn, leakCheck, temporaryFolder } from '@ctr/testing'
import { ImageStore, mediaTypes, RegistryClient, RegistryServer, type ImageIndex } from '../src/index.js'
import { startDockerDaemon } from './support/docker-daemon.js'
import { pushIndex } from './support/push-index.js'
import { tarOf } from './support/tar.js'

leakCheck()

const run = promisify(execFile)
const anonymous = { credentials: 'anonymous' } as const
const tls = join(import.meta.dirname, 'fixtures/tls')

async function output(program: string, ...parameters: string[]): Promise<string> {
  const { stdout } = await run(program, parameters, { encoding: 'utf8' })
  return stdout.trim()
}

/** A folder with an OCI layout that has an image under the name `app:1`. */
async function layout(folder: string, text: string): Promise<string> {
  const store = await ImageStore.open(join(folder, text))
  const layers = [{ tar: tarOf('hello', Buffer.from(text)) }]
  await store.add({ config: { config: { Cmd: ['/hello'] } }, layers }, { reference: 'app:1' })
  return `oci:${join(folder, text)}:docker.io/library/app:1`
}

describeOn(['bin:skopeo'], 'the server with skopeo', () => {
  it('speaks TLS and knows users of a file', async () => {
    using folder = temporaryFolder()
    const htpasswd = join(folder.path, 'users')
    writeFileSync(htpasswd, `ann:${hashSync('secret', 5)}\n`)
    const pem = (name: string) => readFileSync(join(tls, name))
    await using server = await RegistryServer.start({
      htpasswd,
      tls: { cert: pem('server.pem'), key: pem('server.key'), clientCa: pem('ca.pem') },
    })
    const certificates = join(folder.path, 'certs')
    mkdirSync(certificates)
    writeFileSync(join(certificates, 'ca.crt'), pem('ca.pem'))
    writeFileSync(join(certificates, 'client.cert'), pem('client.pem'))
    writeFileSync(join(certificates, 'client.key'), pem('client.key'))
    const name = `docker://${server.address}/team/app:1`
    const source = await layout(folder.path, 'hello')
    const copy = ['--insecure-policy', 'copy', '--dest-cert-dir', certificates]
    await expect(output('skopeo', ...copy, source, name)).rejects.toThrow(/authentication required/)
    await output('skopeo', ...copy, '--dest-creds', 'ann:secret', source, name)
    const access = ['--cert-dir', certificates, '--creds', 'ann:secret']
    expect(
      JSON.parse(await output('skopeo', 'list-tags', ...access, `docker://${server.address}/team/app`)),
    ).toEqual(expect.objectContaining({ Tags: ['1'] }))
  })

  it('copies all platforms, within the server and through a mirror', async () => {
    using folder = temporaryFolder()
    await using server = await RegistryServer.start()
    const name = await pushIndex(server, folder.path)
    const plain = ['--insecure-policy', 'copy', '--all', '--src-tls-verify=false', '--dest-tls-verify=false']
    await output('skopeo', ...plain, `docker://${name}`, `docker://${server.address}/other/multi:1`)
    await using mirror = await RegistryServer.start({ mirrorOf: { registry: server.address } })
    await output('skopeo', ...plain, `docker://${mirror.address}/other/multi:1`, `oci:${folder.path}/out:1`)
    const raw = await output('skopeo', 'inspect', '--raw', `oci:${folder.path}/out:1`)
    const { manifests } = JSON.parse(raw) as ImageIndex
    expect(manifests.map(({ platform }) => platform?.architecture)).toEqual(['amd64', 'arm64'])
    await output('skopeo', 'delete', '--tls-verify=false', `docker://${server.address}/other/multi:1`)
    const gone = output('skopeo', 'inspect', '--tls-verify=false', `docker://${server.address}/other/multi:1`)
    await expect(gone).rejects.toThrow(/manifest unknown/)
  })
})

describeOn(['root', 'bin:podman', 'bin:buildah', 'bin:skopeo'], 'the server with podman and buildah', () => {
  it('takes and gives images and manifest lists', async () => {
    using folder = temporaryFolder()
    await using server = await RegistryServer.start()
    const storage = [
      ...['--root', join(folder.path, 'root'), '--runroot', join(folder.path, 'runroot')],
      ...['--storage-driver', 'vfs'],
    ]
    const policy = join(folder.path, 'policy.json')
    writeFileSync(policy, '{"default":[{"type":"insecureAcceptAnything"}]}')
    const plain = ['--tls-verify=false', '--signature-policy', policy]
    const buildah = async (...words: string[]) => await output('buildah', ...storage, ...words)
    const podman = async (...words: string[]) => await output('podman', ...storage, ...words)
    const name = `${server.address}/team/app:1`

    writeFileSync(join(folder.path, 'hello'), 'hello\n')
    const container = await buildah('from', '--signature-policy', policy, 'scratch')
    await buildah('copy', container, join(folder.path, 'hello'), '/hello')
    await buildah('commit', '--signature-policy', policy, '--rm', container, name)
    await buildah('push', ...plain, name)
    const pushed = await podman('image', 'inspect', '--format', '{{.Id}}', name)
    await podman('rmi', '--force', name)
    await podman('pull', ...plain, name)
    expect(await podman('image', 'inspect', '--format', '{{.Id}}', name)).toBe(pushed)
    const listed = await podman('search', '--tls-verify=false', '--list-tags', `${server.address}/team/app`)
    expect(listed).toMatch(/team\/app +1$/)

    await podman('push', ...plain, '--format', 'v2s2', name, `${server.address}/team/app:docker`)
    await using client = new RegistryClient(anonymous)
    expect((await client.manifest(`${server.address}/team/app:docker`)).document.mediaType).toBe(
      mediaTypes.dockerManifest,
    )

    const multi = await pushIndex(server, folder.path)
    await buildah('manifest', 'create', 'list')
    await buildah('manifest', 'add', '--all', '--tls-verify=false', 'list', `docker://${multi}`)
    await buildah('manifest', 'push', '--all', ...plain, 'list', `docker://${server.address}/team/list:1`)
    const { document } = await client.manifest(`${server.address}/team/list:1`)
    expect((document as ImageIndex).manifests).toHaveLength(2)
    await podman('rmi', '--all', '--force')
  })
})

describeOn(['root', 'bin:dockerd', 'bin:docker'], 'the server with docker', () => {
  it('takes and gives images, by tag and digest, with a password', async () => {
    using folder = temporaryFolder()
    const users = [{ username: 'ann', password: 'secret' }]
    await using server = await RegistryServer.start({ users })
    await using daemon = await startDockerDaemon(join(folder.path, 'docker'))
    const { docker } = daemon
    const archive = join(folder.path, 'layer.tar')
    const bytes: Uint8Array[] = []
    for await (const piece of tarOf('hello', Buffer.from('hello\n'))) bytes.push(piece)
    writeFileSync(archive, Buffer.concat(bytes))
    const name = `${server.address}/team/app:1`
    const id = await docker('import', archive, name)
    await expect(docker('push', name)).rejects.toThrow(/no basic auth credentials|authentication required/)
    await docker('login', '--username', 'ann', '--password', 'secret', server.address)
    await docker('push', name)
    await docker('tag', name, `${server.address}/other/app:2`)
    expect(await docker('push', `${server.address}/other/app:2`)).toMatch(/Mounted from team\/app/)
    await docker('rmi', name, `${server.address}/other/app:2`)
    expect(await docker('pull', name)).toMatch(/Downloaded newer image/)
    expect(await docker('image', 'inspect', '--format', '{{.Id}}', name)).toBe(id)
    const digest = await docker('image', 'inspect', '--format', '{{index .RepoDigests 0}}', name)
    await docker('rmi', name)
    await docker('pull', digest)
    await docker('rmi', digest)
  })
})
