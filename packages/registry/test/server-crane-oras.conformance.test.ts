import { createReadStream, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it, jest } from '@jest/globals'
import { describeOn, leakCheck, temporaryFolder } from '@ctr/testing'
import { ImageStore, RegistryClient, RegistryServer, type Descriptor, type ImageIndex } from '../src/index.js'
import { programsIn, useInstalledClients } from './support/client-programs.js'
import { tarOf } from './support/tar.js'

leakCheck()
jest.setTimeout(300_000)
useInstalledClients()

const ann = { username: 'ann', password: 'secret' }

/** A folder with an OCI layout of an image for one platform. */
async function layout(folder: string, architecture: 'amd64' | 'arm64'): Promise<Descriptor> {
  const store = await ImageStore.open(join(folder, 'images'))
  const layers = [{ tar: tarOf('arch', Buffer.from(architecture)) }]
  const { descriptor } = await store.add({ config: { architecture }, layers }, { reference: architecture })
  await store.saveLayout(architecture, join(folder, architecture))
  return descriptor
}

describeOn(['bin:crane'], 'the server with crane', () => {
  it('logs in, pushes, lists, copies, pulls and deletes images and indexes', async () => {
    using folder = temporaryFolder()
    await using server = await RegistryServer.start({ users: [ann] })
    const program = programsIn(folder.path)
    const crane = async (...words: string[]): Promise<string> => await program('crane', ...words)
    const name = `${server.address}/team/app`
    const amd64 = await layout(folder.path, 'amd64')
    const arm64 = await layout(folder.path, 'arm64')

    await expect(crane('push', 'amd64', `${name}:amd64`)).rejects.toThrow(/401/)
    await crane('auth', 'login', '-u', ann.username, '-p', ann.password, server.address)
    await crane('push', 'amd64', `${name}:amd64`)
    await crane('push', 'arm64', `${name}:arm64`)
    expect(await crane('digest', `${name}:arm64`)).toBe(arm64.digest)
    await crane('tag', `${name}:amd64`, 'other')
    expect((await crane('ls', name)).split('\n')).toEqual(['amd64', 'arm64', 'other'])

    const index = ['index', 'append', '-t', `${name}:all`, '-m', `${name}:amd64`, '-m', `${name}:arm64`]
    await crane(...index)
    const { manifests } = JSON.parse(await crane('manifest', `${name}:all`)) as ImageIndex
    expect(manifests.map(({ digest }) => digest)).toEqual([amd64.digest, arm64.digest])
    expect(await crane('digest', '--platform', 'linux/arm64', `${name}:all`)).toBe(arm64.digest)
    const copied = `${server.address}/other/app`
    await crane('copy', `${name}:all`, `${copied}:1`)
    expect((await crane('catalog', server.address)).split('\n')).toEqual(['other/app', 'team/app'])
    expect(await crane('digest', `${copied}:1`)).toBe(await crane('digest', `${name}:all`))
    await crane('validate', '--remote', `${copied}:1`)
    await crane('pull', '--platform', 'linux/arm64', `${copied}:1`, 'pulled.tar')
    const store = await ImageStore.open(join(folder.path, 'pulled'))
    const [pulled] = await store.load(createReadStream(join(folder.path, 'pulled.tar')))
    expect(pulled?.config.architecture).toBe('arm64')

    await crane('delete', `${copied}@${await crane('digest', `${copied}:1`)}`)
    await expect(crane('manifest', `${copied}:1`)).rejects.toThrow(/MANIFEST_UNKNOWN/)
    expect(await crane('digest', `${copied}@${arm64.digest}`)).toBe(arm64.digest)
  })
})

describeOn(['bin:oras'], 'the server with oras', () => {
  it('pushes, attaches, discovers, copies, pulls and deletes artifacts', async () => {
    using folder = temporaryFolder()
    await using server = await RegistryServer.start({ users: [ann] })
    const program = programsIn(folder.path)
    const plain = '--plain-http'
    const oras = async (...words: string[]): Promise<string> => await program('oras', ...words)
    const name = `${server.address}/team/thing`
    writeFileSync(join(folder.path, 'thing.txt'), 'a thing\n')
    writeFileSync(join(folder.path, 'parts.json'), '{"parts":[]}\n')

    await oras('login', plain, '-u', ann.username, '-p', ann.password, server.address)
    await oras('push', plain, '--artifact-type', 'test/thing', `${name}:1`, 'thing.txt:text/plain')
    await oras('tag', plain, `${name}:1`, 'latest')
    expect((await oras('repo', 'tags', plain, name)).split('\n')).toEqual(['1', 'latest'])
    expect(await oras('repo', 'ls', plain, server.address)).toBe('team/thing')

    await oras('attach', plain, '--artifact-type', 'test/parts', `${name}:1`, 'parts.json:application/json')
    await oras('attach', plain, '--artifact-type', 'test/note', '--annotation', 'a=b', `${name}:1`)
    const discover = ['discover', plain, '--format', 'json', '--artifact-type', 'test/parts', `${name}:1`]
    const { referrers } = JSON.parse(await oras(...discover)) as { readonly referrers: readonly object[] }
    expect(referrers).toMatchObject([{ artifactType: 'test/parts' }])

    const copied = `${server.address}/other/thing`
    await oras('copy', '-r', '--from-plain-http', '--to-plain-http', `${name}:1`, `${copied}:1`)
    await using client = new RegistryClient({ credentials: ann })
    const types: (string | undefined)[] = []
    for await (const { artifactType } of client.referrers(`${copied}:1`)) types.push(artifactType)
    expect(types.sort()).toEqual(['test/note', 'test/parts'])

    mkdirSync(join(folder.path, 'out'))
    await oras('pull', plain, '-o', 'out', `${copied}:1`)
    expect(readFileSync(join(folder.path, 'out/thing.txt'), 'utf8')).toBe('a thing\n')
    const { descriptor } = await client.manifest(`${copied}:1`)
    await oras('manifest', 'delete', plain, '--force', `${copied}@${descriptor.digest}`)
    await expect(oras('manifest', 'fetch', plain, `${copied}:1`)).rejects.toThrow(/not found/)
  })
})
