import { expect, it, jest } from '@jest/globals'
import { describeOn, leakCheck, onTerminal } from '@ctr/testing'
import { needs, setUp } from './suite.js'

jest.setTimeout(60_000)
leakCheck()

describeOn([...needs, 'bin:python3'], 'ctrjs run -t', () => {
  const suite = setUp()

  it('has a terminal with -t: its size, keys and their signals, and ours as before', async () => {
    const shown = await onTerminal(
      'abc\\n',
      suite.ctrjs.line(
        'run',
        '-it',
        '--rm',
        '--network',
        'none',
        suite.image,
        'sh',
        '-c',
        'tty; stty size; echo ready; read x; echo got $x; exit 6',
      ),
    )
    expect(shown).toBe(
      '/dev/pts/0\r\n30 100\r\nready\r\nabc\r\ngot abc\r\n\nexit code 6, terminal restored\n',
    )
    const interrupted = await onTerminal(
      '\\x03',
      suite.ctrjs.line(
        'run',
        '-it',
        '--rm',
        '--network',
        'none',
        suite.image,
        'sh',
        '-c',
        'trap "exit 8" INT; echo ready; while :; do sleep 0.1; done',
      ),
    )
    expect(interrupted).toMatch(/\nexit code 8, terminal restored\n$/)
    expect(await suite.ctrjs.run('run', '-it', '--rm', suite.image)).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('stdin is not a terminal'),
    })
  })

  it('shows the progress of a pull as bars, and leaves the screen in order', async () => {
    await suite.ctrjs.run('rmi', suite.image)
    const shown = await onTerminal(
      '',
      suite.ctrjs.line('run', '--rm', '--network', 'none', suite.image, 'true'),
    )
    expect(shown).toContain('Download complete')
    expect(shown).toMatch(/Status: Downloaded newer image for \S+\r\n\nexit code 0, terminal restored\n$/)
  })

  it('has a terminal with exec -it', async () => {
    await suite.ctrjs.run('run', '-d', '--name', 'term', '--network', 'none', suite.image, 'sleep', '60')
    try {
      const shown = await onTerminal(
        'abc\\n',
        suite.ctrjs.line('exec', '-it', 'term', 'sh', '-c', 'stty size; echo ready; read x; exit 6'),
      )
      expect(shown).toBe('30 100\r\nready\r\nabc\r\n\nexit code 6, terminal restored\n')
    } finally {
      await suite.ctrjs.run('rm', '-f', 'term')
    }
  })
})
