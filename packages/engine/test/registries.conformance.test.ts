import { once } from 'node:events'
import { createServer, type AddressInfo } from 'node:net'
import { expect, it, jest } from '@jest/globals'
import { RegistryServer } from '@ctr/registry'
import { describeOn, leakCheck } from '@ctr/testing'
import { image, needs, setUp } from './support/suite.js'

jest.setTimeout(60_000)
leakCheck()

describeOn(needs, 'registries, images and volumes through the docker CLI', () => {
  const suite = setUp()
  const failure = async (...args: string[]): Promise<string> => (await suite.docker(...args)).stderr

  it('logs in where a registry takes the password', async () => {
    const registry = await RegistryServer.start({ users: [{ username: 'anna', password: 'secret' }] })
    try {
      const { address } = registry
      const bad = await suite.docker('login', '-u', 'anna', '-p', 'wrong', address)
      expect(bad.code).toBe(1)
      expect(bad.stderr).toMatch(/unauthorized|401/i)
      expect(await suite.ok('login', '-u', 'anna', '-p', 'secret', address)).toContain('Login Succeeded')
      await suite.ok('tag', image, `${address}/team/app:1`)
      expect(await suite.ok('push', `${address}/team/app:1`)).toMatch(
        /1: digest: sha256:[0-9a-f]{64} size: \d+/,
      )
      await suite.ok('rmi', `${address}/team/app:1`)
      expect(await suite.ok('pull', `${address}/team/app:1`)).toContain('Status: ')
      await suite.ok('rmi', `${address}/team/app:1`)
      await suite.ok('logout', address)
    } finally {
      await registry.close()
    }
  })

  it('does not wait long for a registry that is not there', async () => {
    const began = Date.now()
    const message = await failure('login', '-u', 'anna', '-p', 'secret', 'registry.invalid:5000')
    expect(message).toMatch(/Get "https:\/\/registry\.invalid:5000\/v2\/": (dial tcp: lookup|net\/http)/)
    // takes connections and says nothing
    const silent = createServer((socket) => socket.resume()).listen(0, '127.0.0.1')
    await once(silent, 'listening')
    try {
      const { port } = silent.address() as AddressInfo
      expect(await failure('login', '-u', 'anna', '-p', 'secret', `127.0.0.1:${port}`)).toContain(
        'Client.Timeout exceeded while awaiting headers',
      )
    } finally {
      silent.close()
    }
    expect(Date.now() - began).toBeLessThan(40_000)
  })

  it('refuses to search, clearly', async () => {
    expect(await failure('search', 'busybox')).toContain('searching registries is not supported')
  })

  it('lists, shows, tags and removes images', async () => {
    await suite.ok('tag', image, 'x/y:2')
    expect(
      await suite.ok('images', '--format', '{{.Repository}}:{{.Tag}}', '--filter', 'reference=x/*'),
    ).toBe('x/y:2')
    expect(await suite.ok('images', '-q', '--filter', 'label=kind=other')).toBe('')
    await suite.ok('create', '--name', 'base', '--network', 'none', image)
    await suite.ok('commit', 'base', 'later:1')
    await suite.ok('rm', 'base')
    const listed = async (filter: string): Promise<string> =>
      await suite.ok('images', '--format', '{{.Repository}}', '--filter', filter)
    expect(await listed(`since=${image}`)).toBe('later')
    expect(await listed('before=later:1')).not.toContain('later')
    expect(await listed('until=2000-01-01T00:00:00Z')).not.toContain('later')
    expect(await failure('images', '--filter', 'since=nope')).toContain('No such image: nope')
    await suite.ok('rmi', 'later:1')
    expect(await suite.ok('inspect', '-f', '{{.Os}} {{.Config.Labels.kind}}', image)).toBe('linux test')
    expect(await suite.ok('history', '-q', image)).toMatch(/^([0-9a-f]{12}|<missing>)?$/m)
    expect(await failure('tag', image, 'sha256:a')).toContain('refusing to create an ambiguous tag')
    expect(await failure('tag', 'nope', 'a')).toContain('No such image: nope')
    expect(await failure('history', 'nope')).toContain('No such image: nope')
    const removed = await suite.ok('rmi', 'x/y:2')
    expect(removed).toContain('Untagged: x/y:2')
    await suite.ok('create', '--name', 'user', '--network', 'none', image)
    expect((await suite.docker('rmi', image)).code).toBe(1)
    // a name may go while another stays
    await suite.ok('tag', image, 'x/y:2')
    expect(await suite.ok('rmi', 'x/y:2')).toBe('Untagged: x/y:2')
    // by force the last one may, too: the container keeps the image
    const id = await suite.ok('images', '-q', '--no-trunc', image)
    expect(await suite.ok('rmi', '-f', image)).toBe(`Untagged: ${image}`)
    expect(await suite.ok('images', '-q', '--no-trunc', '--filter', 'dangling=true')).toBe(id)
    expect(await failure('images', '--filter', 'dangling=x')).toContain("invalid filter 'dangling=[x]'")
    await suite.ok('start', '-a', 'user')
    await suite.ok('tag', id, image)
    await suite.ok('rm', 'user')
  })

  it('takes no image for another platform than is asked for', async () => {
    const other = process.arch === 'x64' ? 'arm64' : 'amd64'
    const create = ['create', '--name', 'foreign', '--network', 'none', '--pull', 'never']
    expect(await failure(...create, '--platform', `linux/${other}`, image)).toContain(
      `No such image: ${image}`,
    )
    const own = process.arch === 'x64' ? 'amd64' : 'arm64'
    await suite.ok(...create, '--platform', `linux/${own}`, image)
    await suite.ok('start', 'foreign')
    await suite.ok('rm', '-f', 'foreign')
  })

  it('saves and loads images', async () => {
    const file = `${suite.folder}/saved.tar`
    await suite.ok('tag', image, 'saved:1')
    await suite.ok('save', '-o', file, 'saved:1')
    await suite.ok('rmi', 'saved:1')
    expect(await suite.ok('load', '-i', file)).toContain('Loaded image: saved:1')
    // by its id it has no names in the archive, those that it has here are not told as loaded
    const id = await suite.ok('inspect', '-f', '{{.Id}}', 'saved:1')
    await suite.ok('save', '-o', file, id)
    expect(await suite.ok('load', '-i', file)).toBe(`Loaded image ID: ${id}`)
    await suite.ok('rmi', 'saved:1')
    expect(await failure('save', '-o', `${file}2`, 'nope')).toContain('No such image: nope')
  })

  it('tells what a container has changed', async () => {
    const script = 'echo x >/new; echo y >>/etc/passwd; rm /etc/group'
    await suite.ok('run', '--name', 'changed', '--network', 'none', image, 'sh', '-c', script)
    const lines = (await suite.ok('diff', 'changed')).split('\n').sort()
    expect(lines).toEqual(expect.arrayContaining(['A /new', 'C /etc', 'C /etc/passwd', 'D /etc/group']))
    await suite.ok('rm', 'changed')
  })

  it('makes, lists, shows and removes volumes', async () => {
    await suite.ok('volume', 'create', '--label', 'x=1', 'v1')
    await suite.ok('volume', 'create', 'v2')
    expect(await suite.ok('volume', 'ls', '-q', '--filter', 'label=x')).toBe('v1')
    expect(await suite.ok('volume', 'ls', '-q', '--filter', 'name=v2')).toBe('v2')
    expect(await suite.ok('volume', 'inspect', '-f', '{{.Driver}} {{.Labels.x}}', 'v1')).toBe('local 1')
    await suite.ok('create', '--name', 'holder', '-v', 'v1:/v', '--network', 'none', image)
    expect(await failure('volume', 'rm', 'v1')).toMatch(/volume is in use - \[[0-9a-f]{64}\]/)
    expect(await suite.ok('volume', 'ls', '-q', '--filter', 'dangling=true')).toBe('v2')
    expect(await failure('volume', 'rm', 'nonesuch')).toContain('get nonesuch: no such volume')
    expect(await failure('volume', 'create', '--driver', 'foo', 'zz')).toContain('foo')
    expect(await failure('volume', 'ls', '--filter', 'bogus=1')).toContain("invalid filter 'bogus'")
    await suite.ok('rm', 'holder')
    expect(await suite.ok('volume', 'prune', '-af')).toContain('Total reclaimed space')
    expect(await suite.ok('volume', 'ls', '-q')).toBe('')
  })
})
