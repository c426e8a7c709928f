import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, it, jest } from '@jest/globals'
import { describeOn, leakCheck } from '@ctr/testing'
import { ended } from './ctrjs.js'
import { needs, setUp } from './suite.js'

jest.setTimeout(60_000)
leakCheck()

describeOn(needs, 'ctrjs run -d and what follows', () => {
  const suite = setUp()

  it('keeps containers in the background across commands', async () => {
    const script = 'trap "exit 5" TERM; echo out; echo err >&2; sleep 60 & wait'
    const started = await suite.ctrjs.run(
      'run',
      '-d',
      '--name',
      'back',
      '--network',
      'none',
      suite.image,
      'sh',
      '-c',
      script,
    )
    expect(started).toMatchObject({ code: 0, stdout: expect.stringMatching(/^[0-9a-f]{64}\n$/), stderr: '' })
    const id = started.stdout.trim()
    expect((await suite.ctrjs.run('ps', '-q')).stdout).toBe(`${id.slice(0, 12)}\n`)
    expect((await suite.ctrjs.run('ps')).stdout).toMatch(
      /^CONTAINER ID +IMAGE +COMMAND +CREATED +STATUS +PORTS +NAMES\n[0-9a-f]{12} .* Up .* back\n$/,
    )
    expect(await suite.ctrjs.run('exec', 'back', 'sh', '-c', 'echo inside; exit 4')).toMatchObject({
      code: 4,
      stdout: 'inside\n',
    })
    expect(await suite.ctrjs.feed('in', 'exec', '-i', 'back', 'cat')).toMatchObject({ code: 0, stdout: 'in' })
    expect((await suite.ctrjs.run('exec', 'back', 'nosuch')).code).toBe(127)
    expect(await suite.ctrjs.run('exec', 'back', 'sh', '-c', 'sleep 30 & echo left')).toMatchObject({
      code: 0,
      stdout: 'left\n',
    })
    await suite.ctrjs.run('pause', 'back')
    expect(JSON.parse((await suite.ctrjs.run('ps', '--json')).stdout)).toMatchObject([
      { id, name: 'back', state: 'paused', exitCode: null },
    ])
    await suite.ctrjs.run('unpause', 'back')
    expect(JSON.parse((await suite.ctrjs.run('stats', '--json')).stdout)).toMatchObject([
      { name: 'back', pids: { limit: 'max' } },
    ])
    expect((await suite.ctrjs.run('rm', 'back')).code).toBe(1)
    const following = suite.ctrjs.start('logs', '-f', 'back')
    const followed = ended(following)
    await once(following.stdout, 'data')
    expect(await suite.ctrjs.run('stop', 'back')).toEqual({ code: 0, stdout: 'back\n', stderr: '' })
    expect((await followed).code).toBe(0)
    expect(await suite.ctrjs.run('logs', 'back')).toEqual({ code: 0, stdout: 'out\n', stderr: 'err\n' })
    expect((await suite.ctrjs.run('ps')).stdout).not.toContain('back')
    expect((await suite.ctrjs.run('ps', '-a')).stdout).toMatch(/Exited \(5\) .* ago +back/)
    expect(await suite.ctrjs.run('rm', 'back', 'nosuch')).toEqual({
      code: 1,
      stdout: 'back\n',
      stderr: 'ctrjs: cannot find container nosuch: there is none\n',
    })
  })

  it('keeps an attached container that has ended, without --rm', async () => {
    await suite.ctrjs.run('run', '--name', 'once', '--network', 'none', suite.image, 'sh', '-c', 'exit 7')
    expect(JSON.parse((await suite.ctrjs.run('ps', '-a', '--json')).stdout)).toMatchObject([
      { name: 'once', state: 'exited', exitCode: 7 },
    ])
    await suite.ctrjs.run('rm', 'once')
    expect((await suite.ctrjs.run('ps', '-aq')).stdout).toBe('')
  })

  it('removes a container in the background by itself with --rm', async () => {
    await suite.ctrjs.run(
      'run',
      '-d',
      '--rm',
      '--name',
      'brief',
      '--network',
      'none',
      suite.image,
      'sh',
      '-c',
      'exec sleep 60',
    )
    expect(await suite.ctrjs.run('kill', 'brief')).toMatchObject({ code: 0, stdout: 'brief\n' })
    expect((await suite.ctrjs.run('ps', '-aq')).stdout).toBe('')
  })

  it('publishes a port', async () => {
    await suite.ctrjs.run(
      'run',
      '-d',
      '--name',
      'web',
      '-p',
      '127.0.0.1::80',
      suite.image,
      'sh',
      '-c',
      'mkdir /www; echo page > /www/index.html; exec httpd -f -p 80 -h /www',
    )
    try {
      const [{ ports } = { ports: [] }] = JSON.parse((await suite.ctrjs.run('ps', '--json')).stdout) as {
        ports: { host: number }[]
      }[]
      expect(await fetchSoon(`http://127.0.0.1:${ports[0]?.host ?? 0}/`)).toBe('page\n')
    } finally {
      await suite.ctrjs.run('rm', '-f', 'web')
    }
  })
})

async function fetchSoon(url: string): Promise<string> {
  for (let attempt = 0; ; attempt++) {
    try {
      return await (
        await fetch(url, { headers: { connection: 'close' }, signal: AbortSignal.timeout(2000) })
      ).text()
    } catch (error) {
      if (attempt === 600) throw error
      await sleep(50)
    }
  }
}
