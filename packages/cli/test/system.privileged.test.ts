import { once } from 'node:events'
import { chmodSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it, jest } from '@jest/globals'
import { describeOn, leakCheck } from '@ctr/testing'
import { needs, setUp } from './suite.js'

jest.setTimeout(60_000)
leakCheck()

describeOn(needs, 'ctrjs images, info and registry', () => {
  const suite = setUp()

  it('tags, lists, pushes and removes images', async () => {
    expect((await suite.ctrjs.run('tag', suite.image, `${suite.registry}/copy:2`)).code).toBe(0)
    expect((await suite.ctrjs.run('push', `${suite.registry}/copy:2`)).stdout).toMatch(
      /\n\S+\/copy:2: digest: sha256:[0-9a-f]{64} size: \d+\n$/,
    )
    const images = JSON.parse((await suite.ctrjs.run('images', '--json')).stdout) as {
      references: string[]
    }[]
    expect(images).toMatchObject([{ references: [suite.image, `${suite.registry}/copy:2`], os: 'linux' }])
    expect((await suite.ctrjs.run('images')).stdout).toMatch(/^REPOSITORY +TAG +IMAGE ID +CREATED +SIZE\n/)
    expect((await suite.ctrjs.run('rmi', `${suite.registry}/copy:2`)).stdout).toBe(
      `Untagged: ${suite.registry}/copy:2\n`,
    )
    expect(JSON.parse((await suite.ctrjs.run('inspect', suite.image)).stdout)).toMatchObject([
      { RepoTags: [suite.image], Os: 'linux' },
    ])
    expect((await suite.ctrjs.run('inspect', 'nosuch')).code).toBe(1)
  })

  it('tells about itself and the host', async () => {
    const own = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
      version: string
    }
    expect(JSON.parse((await suite.ctrjs.run('version', '--json')).stdout)).toMatchObject({
      version: own.version,
      node: process.versions.node,
    })
    expect(JSON.parse((await suite.ctrjs.run('info', '--json')).stdout)).toMatchObject({
      containers: 0,
      images: 1,
      storageDriver: 'overlay',
    })
    const check = await suite.ctrjs.run('check', '--json')
    expect(check.code).toBe(0)
    expect(JSON.parse(check.stdout)).toMatchObject({ isUsable: true })
  })

  it('keeps compiled code where only its user can write, for each command that was used', async () => {
    const cache = join(suite.folder, 'own/cache/ctrjs')
    const fileOf = (command: string): string | undefined =>
      readdirSync(cache).find((name) => name.endsWith(`.${command}.v8`))
    for (const command of ['push', 'tag', 'images']) expect(fileOf(command)).toBeDefined()
    const images = join(cache, fileOf('images')!)
    const before = statSync(images).mtimeMs
    await suite.ctrjs.run('images')
    expect(statSync(images).mtimeMs).toBe(before)
    const names = readdirSync(cache)
    expect(fileOf('ps')).toBeUndefined()
    chmodSync(cache, 0o777)
    expect((await suite.ctrjs.run('ps')).code).toBe(0)
    expect(readdirSync(cache)).toEqual(names) // nothing is kept where others can write
    chmodSync(cache, 0o700)
    expect((await suite.ctrjs.run('ps')).code).toBe(0)
    expect(fileOf('ps')).toBeDefined()
    expect(statSync(images).mtimeMs).toBe(before)
  })

  it('serves a registry until it is told to end', async () => {
    const users = join(suite.folder, 'users')
    writeFileSync(users, 'me:secret\n')
    const child = suite.ctrjs.start('registry', 'serve', '--port', '0', '--users', users)
    const [line] = (await once(child.stdout, 'data')) as [Buffer]
    const address = /listening on (\S+)/.exec(line.toString())?.[1] ?? ''
    expect((await fetch(`http://${address}/v2/`)).status).toBe(401)
    const headers = { authorization: `Basic ${Buffer.from('me:secret').toString('base64')}` }
    expect((await fetch(`http://${address}/v2/`, { headers })).status).toBe(200)
    child.kill('SIGTERM')
    expect((await once(child, 'exit'))[0]).toBe(0)
  })

  it('resets only after a yes', async () => {
    expect(await suite.ctrjs.feed('n\n', 'system', 'reset')).toMatchObject({
      code: 1,
      stderr: 'ctrjs: cannot reset: it was not confirmed\n',
    })
    expect(await suite.ctrjs.feed('', 'system', 'reset')).toMatchObject({ code: 1 })
    expect(JSON.parse((await suite.ctrjs.run('info', '--json')).stdout)).toMatchObject({ images: 1 })
  })
})
