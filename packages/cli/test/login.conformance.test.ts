import { execFile } from 'node:child_process'
import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, it, jest } from '@jest/globals'
import { RegistryServer } from '@ctr/registry'
import { describeOn, leakCheck, onTerminal, temporaryFolder } from '@ctr/testing'
import { Ctrjs } from './ctrjs.js'

jest.setTimeout(60_000)
leakCheck()

const users = [{ username: 'ann', password: 'secret word' }]

describeOn(['bin:skopeo', 'bin:podman', 'bin:python3'], 'ctrjs login, with other clients', () => {
  let folder: ReturnType<typeof temporaryFolder>
  let registry: RegistryServer
  let ctrjs: Ctrjs
  let config: string
  beforeAll(async () => {
    folder = temporaryFolder()
    registry = await RegistryServer.start({ users })
    const home = join(folder.path, 'home')
    mkdirSync(join(home, '.docker'), { recursive: true })
    config = join(home, '.docker', 'config.json')
    ctrjs = new Ctrjs(folder.path, {
      HOME: home,
      DOCKER_CONFIG: join(home, '.docker'),
      XDG_RUNTIME_DIR: home,
    })
  })
  afterAll(async () => {
    await registry.close()
    folder[Symbol.dispose]()
  })

  const other = async (program: string, ...args: string[]): Promise<string> => {
    const { stdout } = await promisify(execFile)(program, args, { env: ctrjs.env, encoding: 'utf8' })
    return stdout.trim()
  }

  it('stores a login that skopeo and podman find, and forgets it', async () => {
    writeFileSync(config, '{"psFormat":"mine"}')
    const { address } = registry
    expect(await ctrjs.feed('wrong\n', 'login', '-u', 'ann', '--password-stdin', address)).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('401'),
    })
    expect(readFileSync(config, 'utf8')).toBe('{"psFormat":"mine"}')
    const done = await ctrjs.feed('secret word\n', 'login', '-u', 'ann', '--password-stdin', address)
    expect(done).toEqual({
      code: 0,
      stdout: 'Login Succeeded\n',
      stderr: expect.stringContaining(`stored unencrypted in '${config}'`),
    })
    expect(statSync(config).mode & 0o777).toBe(0o600)
    for (const program of ['skopeo', 'podman'])
      expect(await other(program, 'login', '--get-login', address)).toBe('ann')
    await expect(
      other('skopeo', 'inspect', '--tls-verify=false', `docker://${address}/no:1`),
    ).rejects.toThrow(
      /manifest unknown/i, // and not: unauthorized
    )
    expect(await ctrjs.run('logout', address)).toEqual({
      code: 0,
      stdout: `Removing login credentials for ${address}\n`,
      stderr: '',
    })
    expect((await ctrjs.run('logout', address)).stdout).toBe(`Not logged in to ${address}\n`)
    expect(JSON.parse(readFileSync(config, 'utf8'))).toEqual({ psFormat: 'mine', auths: {} })
  })

  it('forgets what skopeo stored', async () => {
    writeFileSync(config, '{}')
    const { address } = registry
    await other(
      'skopeo',
      'login',
      '--tls-verify=false',
      '--authfile',
      config,
      '-u',
      'ann',
      '-p',
      'secret word',
      address,
    )
    expect((await ctrjs.run('logout', address)).stdout).toBe(`Removing login credentials for ${address}\n`)
    expect(JSON.parse(readFileSync(config, 'utf8'))).toEqual({ auths: {} })
  })

  it('asks on a terminal, and shows no password', async () => {
    const line = ctrjs.line('login', registry.address).map((word) => `'${word}'`)
    const shown = await onTerminal(
      'ann\\nsecret word\\n',
      ['sh', '-c', `echo ready; exec ${line.join(' ')}`],
      ctrjs.env,
    )
    expect(shown).toContain('Username: ')
    expect(shown).toContain('Password: ')
    expect(shown).toMatch(/Login Succeeded\r\n\nexit code 0, terminal restored\n$/)
  })

  it('refuses what cannot be', async () => {
    expect(await ctrjs.run('login', '--password-stdin')).toMatchObject({ code: 125 })
    expect(await ctrjs.run('login', '-u', 'a', '-p', 'b', '--password-stdin')).toMatchObject({ code: 125 })
    expect(await ctrjs.run('login', '-u', 'a', registry.address)).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('stdin is not a terminal'),
    })
  })
})
