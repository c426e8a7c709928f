import { readFileSync, lstatSync, readdirSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from '@jest/globals'
import { temporaryFolder } from '@ctr/testing'
import { installHelper } from '../../test/support/credential-helper.js'
import { eraseDockerCredentials, readDockerCredentials, storeDockerCredentials } from './docker-config.js'

const auth = Buffer.from('ann:pass:word').toString('base64')
const ann = { username: 'ann', password: 'pass:word' }

async function look(registry: string, content: string): ReturnType<typeof readDockerCredentials> {
  using folder = temporaryFolder()
  const path = join(folder.path, 'config.json')
  writeFileSync(path, content)
  return await readDockerCredentials(registry, { path })
}

function read(path: string): unknown {
  return JSON.parse(readFileSync(path, 'utf8'))
}

describe('readDockerCredentials()', () => {
  it('finds what docker login stores, under all the keys it uses', async () => {
    expect(
      await look('docker.io', JSON.stringify({ auths: { 'https://index.docker.io/v1/': { auth } } })),
    ).toEqual(ann)
    expect(await look('docker.io', JSON.stringify({ auths: { 'docker.io': { auth } } }))).toEqual(ann)
    expect(await look('h.io:5000', JSON.stringify({ auths: { 'h.io:5000': { auth } } }))).toEqual(ann)
    expect(await look('h.io', JSON.stringify({ auths: { 'https://h.io/v2/': { auth } } }))).toEqual(ann)
    const several = { 'https://h.io/team/': { auth: 'eDp5' }, 'h.io': { auth } }
    expect(await look('h.io', JSON.stringify({ auths: several }))).toEqual(ann)
    expect(await look('h.io', JSON.stringify({ auths: { 'h.io': { identitytoken: 'tok', auth } } }))).toEqual(
      { identityToken: 'tok' },
    )
  })

  it('finds nothing for another registry, an empty entry, an empty or a missing file', async () => {
    expect(await look('other.io', JSON.stringify({ auths: { 'h.io': { auth } } }))).toBeUndefined()
    expect(await look('h.io', JSON.stringify({ auths: { 'h.io': {} } }))).toBeUndefined()
    expect(await look('h.io', '')).toBeUndefined()
    expect(await readDockerCredentials('h.io', { path: '/nonexistent/config.json' })).toBeUndefined()
  })

  it('asks the helper of the registry, else that of all', async () => {
    using folder = temporaryFolder()
    using own = installHelper(join(folder.path, 'own'), 'own')
    using all = installHelper(join(folder.path, 'all'), 'all')
    const path = join(folder.path, 'config.json')
    writeFileSync(path, JSON.stringify({ credsStore: all.name, credHelpers: { 'h.io': own.name } }))
    await storeDockerCredentials('h.io', { username: 'ann', password: 'a' }, { path })
    await storeDockerCredentials('docker.io', { identityToken: 'tok', username: 'bob' }, { path })
    expect(own.stored()).toEqual({ 'h.io': { Username: 'ann', Secret: 'a' } })
    expect(all.stored()).toEqual({ 'https://index.docker.io/v1/': { Username: '<token>', Secret: 'tok' } })
    expect(await readDockerCredentials('h.io', { path })).toEqual({ username: 'ann', password: 'a' })
    expect(await readDockerCredentials('docker.io', { path })).toEqual({ identityToken: 'tok' })
    expect(await readDockerCredentials('other.io', { path })).toBeUndefined()
    expect(read(path)).toEqual({
      credsStore: 'all',
      credHelpers: { 'h.io': 'own' },
      auths: { 'h.io': {}, 'https://index.docker.io/v1/': {} },
    })
    expect(await eraseDockerCredentials('h.io', { path })).toBe(true)
    expect(await eraseDockerCredentials('h.io', { path })).toBe(false)
    expect(own.stored()).toEqual({})
  })

  it('says that the file is damaged without showing its secrets', async () => {
    const damaged = look('h.io', '{"auths": secret')
    await expect(damaged).rejects.toMatchObject({ code: 'ERR_REGISTRY_CREDENTIALS' })
    await expect(damaged).rejects.toThrow(/^((?!secret).)*$/)
    await expect(look('h.io', JSON.stringify({ auths: { 'h.io': { auth: 'c2VjcmV0' } } }))).rejects.toThrow(
      /^((?!secret).)*$/,
    )
  })
})

describe('CredentialHelper', () => {
  it.each([
    ['../evil', undefined, 'its name must be'],
    ['-rf', undefined, 'its name must be'],
    ['missing-in-path', undefined, 'not in PATH'],
    ['fails', '#!/bin/sh\necho "the keychain is locked"; exit 3\n', 'ended with 3: the keychain is locked'],
    ['rubbish', '#!/bin/sh\necho secret-rubbish\n', 'no Username and Secret'],
    ['floods', '#!/bin/sh\nexec cat /dev/zero\n', 'more than 1048576 bytes'],
    ['dies', '#!/bin/sh\nkill -9 $$\n', 'ended with SIGKILL'],
  ])('tells what is wrong with %s', async (name, script, message) => {
    using folder = temporaryFolder()
    using _ = script === undefined ? undefined : installHelper(folder.path, name, script)
    const refused = look('h.io', JSON.stringify({ credsStore: name }))
    await expect(refused).rejects.toMatchObject({ code: 'ERR_REGISTRY_CREDENTIALS' })
    await expect(refused).rejects.toThrow(message)
    await expect(refused).rejects.not.toThrow('secret-rubbish')
  })

  it('does not mind a helper that reads nothing', async () => {
    using folder = temporaryFolder()
    using _ = installHelper(folder.path, 'deaf', `#!/bin/sh\necho '{"Username":"a","Secret":"b"}'\n`)
    expect(await look('h.io', JSON.stringify({ credsStore: 'deaf' }))).toEqual({
      username: 'a',
      password: 'b',
    })
  })
})

describe('storeDockerCredentials()', () => {
  it('keeps all else in the file, for its owner alone, and goes through a link', async () => {
    using folder = temporaryFolder()
    const [file, path] = [join(folder.path, 'real.json'), join(folder.path, 'config.json')]
    const others = { HttpHeaders: { A: 'b' }, auths: { 'x.io': { auth: 'eDp5', email: 'x' } }, psFormat: 'p' }
    writeFileSync(file, JSON.stringify(others), { mode: 0o644 })
    symlinkSync(file, path)
    const place = await storeDockerCredentials('h.io', ann, { path })
    expect(place).toEqual({ path, helper: undefined })
    expect(read(path)).toEqual({ ...others, auths: { ...others.auths, 'h.io': { auth } } })
    expect(lstatSync(path).isSymbolicLink()).toBe(true)
    expect(statSync(file).mode & 0o777).toBe(0o600)
    expect(readdirSync(folder.path).sort()).toEqual(['config.json', 'real.json'])
    expect(await eraseDockerCredentials('h.io', { path })).toBe(true)
    expect(await eraseDockerCredentials('h.io', { path })).toBe(false)
    expect(read(path)).toEqual(others)
  })

  it('makes file and folder, and loses none of many at once', async () => {
    using folder = temporaryFolder()
    const path = join(folder.path, 'new', 'config.json')
    const names = Array.from({ length: 12 }, (_, n) => `h${n}.io`)
    await Promise.all(names.map((name) => storeDockerCredentials(name, ann, { path })))
    for (const name of names) expect(await readDockerCredentials(name, { path })).toEqual(ann)
    expect(statSync(join(folder.path, 'new')).mode & 0o777).toBe(0o700)
  })

  it('leaves a damaged file as it is', async () => {
    using folder = temporaryFolder()
    const path = join(folder.path, 'config.json')
    writeFileSync(path, 'damaged')
    await expect(storeDockerCredentials('h.io', ann, { path })).rejects.toMatchObject({
      code: 'ERR_REGISTRY_CREDENTIALS',
    })
    expect(readFileSync(path, 'utf8')).toBe('damaged')
    expect(readdirSync(folder.path)).toEqual(['config.json'])
  })
})
