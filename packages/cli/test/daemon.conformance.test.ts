import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { expect, it } from '@jest/globals'
import { describeOn, leakCheck } from '@ctr/testing'
import { needs, setUp } from './suite.js'

leakCheck()

describeOn([...needs, 'bin:docker'], 'ctrjs daemon', () => {
  const suite = setUp()

  it('is what the docker CLI talks to, with the images and folders of ctrjs, and ends when it is asked to', async () => {
    const host = `unix://${join(suite.folder, 'docker.sock')}`
    const daemon = suite.ctrjs.start(
      ...['daemon', '--host', host, '--log-driver', 'local', '--log-opt', 'max-file=3'],
    )
    const failed = text(daemon.stderr)
    const ended = once(daemon, 'exit')
    try {
      const [said] = (await once(daemon.stdout, 'data')) as [Buffer]
      expect(String(said)).toBe(`API listen on ${host}\n`)
      const env = { ...process.env, NODE_OPTIONS: '', DOCKER_HOST: host, DOCKER_CONFIG: suite.folder }
      const docker = (...args: string[]): string => execFileSync('docker', args, { env, encoding: 'utf8' })
      expect(docker('version', '-f', '{{.Server.APIVersion}}').trim()).toMatch(/^1\.\d+$/)
      expect(docker('run', '--rm', '--network', 'none', suite.image, 'echo', 'hello')).toBe('hello\n')
      expect(docker('info', '-f', '{{.LoggingDriver}}').trim()).toBe('local')
      const id = docker('create', '--network', 'none', suite.image).trim()
      const config = docker('inspect', '-f', '{{json .HostConfig.LogConfig}}', id)
      expect(JSON.parse(config)).toEqual({ Type: 'local', Config: { 'max-file': '3' } })
      docker('rm', id)
    } finally {
      daemon.kill('SIGTERM')
    }
    expect(await ended).toEqual([0, null])
    expect(await failed).toBe('')
  })

  it('takes its folders behind its name too', async () => {
    const [root, state] = [join(suite.folder, 'other'), join(suite.folder, 'other-state')]
    const host = `unix://${join(suite.folder, 'other.sock')}`
    const daemon = suite.ctrjs.start('daemon', '--host', host, '--root', root, '--state', state)
    const ended = once(daemon, 'exit')
    try {
      await once(daemon.stdout, 'data')
      const args = ['--host', host, 'info', '-f', '{{.DockerRootDir}}']
      expect(execFileSync('docker', args, { encoding: 'utf8' }).trim()).toBe(root)
    } finally {
      daemon.kill('SIGTERM')
    }
    expect(await ended).toEqual([0, null])
  })
})
