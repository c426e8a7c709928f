import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { lstatSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { afterAll, beforeAll, expect, it } from '@jest/globals'
import { describeOn, leakCheck, temporaryFolder } from '@ctr/testing'
import { packInside, unpackInside } from '../src/index.js'
import { tarOf } from './tar-builder.js'

leakCheck()

/** Exchanges a folder and a link to outside, as fast as it goes (CVE-2018-15664). */
const swap = `
import ctypes, sys
libc = ctypes.CDLL(None)
sys.stdout.write('ready'); sys.stdout.flush()
while libc.renameat2(-100, b'way', -100, b'link', 2) == 0: pass
sys.exit('the exchange failed')`

describeOn(['root', 'bin:python3'], 'copying while folders become links to outside', () => {
  let folder: ReturnType<typeof temporaryFolder>
  let attacker: ChildProcess
  const root = (): string => join(folder.path, 'root')
  const outside = (): string => join(folder.path, 'outside')

  beforeAll(async () => {
    folder = temporaryFolder()
    mkdirSync(join(root(), 'd/way/inner'), { recursive: true })
    writeFileSync(join(root(), 'd/way/inner/file'), 'inside')
    mkdirSync(join(outside(), 'inner'), { recursive: true })
    writeFileSync(join(outside(), 'inner/file'), 'SECRET of the host')
    symlinkSync('../../outside', join(root(), 'd/link'))
    attacker = spawn('python3', ['-c', swap], { cwd: join(root(), 'd') })
    await once(attacker.stdout!, 'data')
  })

  afterAll(async () => {
    expect(attacker.exitCode).toBeNull() // it went on to the end
    const closed = once(attacker, 'close')
    attacker.kill('SIGKILL')
    await closed
    folder[Symbol.dispose]()
  })

  it('packs nothing of the outside', async () => {
    const results = new Map<string, number>()
    for (let n = 0; n < 200; n++) {
      const path = ['/d/way/inner/file', '/d/way/inner', '/d/way/', '/d'][n % 4]!
      const result = await Promise.resolve()
        .then(() => buffer(packInside(root(), path).tar))
        .then(
          (tar) => {
            expect(tar.includes('SECRET')).toBe(false)
            return 'packed'
          },
          (error: unknown) => (error as { readonly code?: string }).code ?? 'other',
        )
      results.set(result, (results.get(result) ?? 0) + 1)
    }
    expect(results.get('packed')).toBeGreaterThan(0)
    // the attacker was there: paths went away meanwhile
    expect(results.get('ERR_OVERLAY_NOT_FOUND')).toBeGreaterThan(0)
  })

  it('writes nothing to the outside', async () => {
    let written = 0
    for (let n = 0; n < 200; n++) {
      const archive = tarOf(
        { name: 'inner/file', content: `evil ${n}`, uid: 5, mode: 0o777 },
        { name: 'inner/new/deep', content: 'evil' },
        { name: 'inner/', type: '5', mode: 0o777, uid: 5 },
      )
      await unpackInside(Readable.from([archive]), root(), n % 2 === 0 ? '/d/way' : '/d/way/').then(
        () => written++,
        () => undefined,
      )
    }
    expect(written).toBeGreaterThan(0)
    expect(readFileSync(join(outside(), 'inner/file'), 'utf8')).toBe('SECRET of the host')
    expect(readdirSync(outside())).toEqual(['inner'])
    expect(readdirSync(join(outside(), 'inner'))).toEqual(['file'])
    expect(lstatSync(join(outside(), 'inner'))).toMatchObject({ uid: 0, mode: 0o040755 })
    expect(readdirSync(folder.path).sort()).toEqual(['outside', 'root'])
  })
})
