import { readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it, jest } from '@jest/globals'
import { describeOn, leakCheck, temporaryFolder } from '@ctr/testing'
import { Runtime } from '../src/index.js'
import { addBusybox, busybox } from './support/busybox.js'

jest.setTimeout(60_000)
leakCheck()

describeOn(['root', 'overlay', 'bin:busybox'], 'a record that a power cut has left empty', () => {
  it('is put aside and told of; what its container has stays, and is removed with the file', async () => {
    using folder = temporaryFolder('ctr-records-')
    const where = { root: join(folder.path, 'root'), state: join(folder.path, 'state') }
    const roots = (): string[] => readdirSync(join(where.root, 'overlay', 'roots'))
    let id: string
    {
      await using runtime = await Runtime.open(where)
      await addBusybox(runtime)
      const common = { image: busybox, network: 'none' }
      const made = await runtime.create({
        ...{ ...common, name: 'bad', command: ['sh', '-c', 'cat /kept; echo data >/kept'] },
        volumes: [{ target: '/anonymous' }],
      })
      id = made.id
      await (await runtime.start(id)).wait()
      await runtime.create({ ...common, name: 'good', command: ['true'] })
    }
    const before = roots()
    const file = join(where.root, 'containers', `${id}.json`)
    const whole = readFileSync(file)
    writeFileSync(file, '')
    for (let times = 0; times < 2; times++) {
      await using runtime = await Runtime.open(where)
      expect(runtime.failedCleanUps).toEqual([
        {
          id,
          error: expect.objectContaining({
            ...{ name: 'RuntimeError', code: 'ERR_RUNTIME_STATE' },
            message: expect.stringContaining(`${file}.damaged`),
          }),
        },
      ])
      expect(runtime.containers().map(({ name }) => name)).toEqual(['good'])
      expect(() => runtime.container(id)).toThrow('it is damaged')
      expect(roots()).toEqual(before)
      expect(runtime.volumes.list()).toHaveLength(1)
      await (await runtime.start('good')).wait() // the rest works
    }
    // whoever has a copy puts it right
    writeFileSync(`${file}.damaged`, whole)
    renameSync(`${file}.damaged`, file)
    {
      await using runtime = await Runtime.open(where)
      expect(runtime.failedCleanUps).toEqual([])
      const again = await runtime.start('bad')
      await again.wait()
      const printed: Buffer[] = []
      for await (const { stream, bytes } of again.logs()) if (stream === 'stdout') printed.push(bytes)
      expect(Buffer.concat(printed).toString()).toBe('data\n')
    }
    writeFileSync(file, '\0\0\0')
    {
      await using runtime = await Runtime.open(where)
      expect(runtime.failedCleanUps).toHaveLength(1)
      await runtime.reset()
      expect(readdirSync(join(where.root, 'containers'))).toEqual([])
    }
    await using last = await Runtime.open(where)
    expect([last.failedCleanUps, last.volumes.list(), roots()]).toEqual([[], [], []])
  })
})
