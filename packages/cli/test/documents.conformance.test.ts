import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { beforeAll, expect, it, jest } from '@jest/globals'
import { bundle, describeOn, leakCheck, onTerminal, temporaryFolder } from '@ctr/testing'
import { findCompose, installCompose } from '../../engine/test/support/compose-plugin.js'
import { needs, pushBusybox, setUp } from './suite.js'

jest.setTimeout(120_000)
leakCheck()
findCompose()

const run = promisify(execFile)

/** Examples of a document, in their order. */
function examplesOf(document: string, language: 'sh' | 'ts'): readonly string[] {
  const path = fileURLToPath(new URL(`../../../${document}`, import.meta.url))
  const blocks = readFileSync(path, 'utf8').matchAll(/```(\w+)\n(.*?)```/gs)
  return [...blocks].filter(([, kind]) => kind === language).map(([, , text]) => text!)
}

/** What a person would type at a command that has printed "ready". */
function typedAt(line: string): string {
  if (line.includes('-it ')) return 'exit\\n'
  return line.includes('logs -f') ? '\\x03' : ''
}

describeOn([...needs, 'bin:docker', 'bin:docker-compose', 'bin:python3'], 'examples of documents', () => {
  const suite = setUp({ pull: false })
  let env: NodeJS.ProcessEnv
  let folder: string

  // images of Docker Hub, as a mirror has them, and `ctrjs` on the PATH
  beforeAll(async () => {
    folder = join(suite.folder, 'documents')
    mkdirSync(join(folder, 'bin'), { recursive: true })
    const Env = ['PATH=/bin', 'PS1=ready ']
    const serving = { Cmd: ['sh', '-c', 'echo ready; exec httpd -f'], Env }
    for (const [name, config] of Object.entries({
      'busybox:latest': { Env },
      'my-image:latest': { Env },
      'nginx:latest': serving,
      'nginx:alpine': serving,
    }))
      await pushBusybox(`${suite.registry}/library/${name}`, join(folder, name), config)
    const registries = join(folder, 'registries.json')
    writeFileSync(registries, JSON.stringify({ registries: { 'docker.io': { mirrors: [suite.registry] } } }))
    const program = join(folder, 'bin/ctrjs')
    writeFileSync(program, `#!/bin/sh\nexec ${suite.ctrjs.line().join(' ')} "$@"\n`)
    chmodSync(program, 0o755)
    env = {
      ...suite.ctrjs.env,
      PATH: `${folder}/bin:${process.env['PATH']}`,
      CTRJS_REGISTRIES_CONF: registries,
    }
  })

  /** Runs the lines of an example, each on a terminal; those that begin a comment are passed over. */
  async function typed(example: string): Promise<string> {
    let printed = ''
    for (const line of example.split('\n').filter((text) => /^\w/.test(text))) {
      const answer = await onTerminal(typedAt(line), ['sh', '-c', line], env)
      const stopped = line.includes('logs -f') ? '(-2|130)' : '0'
      expect(answer).toMatch(new RegExp(`exit code ${stopped}, terminal restored\n$`))
      printed += answer
    }
    return printed
  }

  /** Runs a program that is an example, but for its folders, where its images come from, and its end. */
  async function executed(example: string, end = ''): Promise<string> {
    using own = temporaryFolder()
    const place = `root: '${own.path}/root', state: '${own.path}/state'`
    const registries = `registries: { mirrors: { 'docker.io': ['${suite.registry}'] } }`
    const text = example
      .replace('Runtime.open()', `Runtime.open({ ${place}, ${registries} })`)
      .replace('Engine.start({', `Engine.start({ ${place},`)
      .replace('/tmp/', `${own.path}/`)
    using program = bundle(`${text}\n${end}`)
    const { stdout, stderr } = await run(process.execPath, [program.path], { env })
    expect(stderr).toBe('')
    return stdout
  }

  it('of the README of all run: a program, and the command line', async () => {
    const [program] = examplesOf('README.md', 'ts')
    const printed = await executed(program!, 'await runtime.reset()')
    expect(printed).toMatch(/^uid=0.*\n{ exitCode: 0, signal: undefined } \d+\n[0-9a-f]{12}\n/m)
    expect(printed).toContain('{ exitCode: 0, signal: null, oomKilled: false }')
    const [, commands] = examplesOf('README.md', 'sh')
    expect(await typed(commands!)).toMatch(/pivot_root|move_mount/)
  })

  it('of the README of the command line run', async () => {
    const [, commands] = examplesOf('packages/cli/README.md', 'sh')
    expect(await typed(commands!)).toMatch(/0\.0\.0\.0:8080->80\/tcp/)
  })

  it('of networks run', async () => {
    const [commands] = examplesOf('docs/networking.md', 'sh')
    await typed(commands!)
    await typed('ctrjs rm -f web\nctrjs network rm demo\n')
  })

  it('of containers without root run as root too', async () => {
    const [program] = examplesOf('docs/rootless.md', 'ts')
    expect(
      await executed(`import { Runtime } from '@ctr/runtime'\n${program!}`, 'await runtime.reset()'),
    ).toBe('')
  })

  it('of the way from Docker to a function call run', async () => {
    const [program] = examplesOf('docs/moving-from-docker.md', 'ts')
    expect(await executed(program!, 'await runtime.reset()')).toContain('exitCode: 0')
  })

  it('of system-call programs show what would be called', async () => {
    const [text] = examplesOf('docs/architecture.md', 'ts')
    const names = [...new Set(text!.match(/\b[A-Z]+_[A-Z_]+\b/g))]
    const whole = `import { ${['Program', 'explain', ...names].join(', ')} } from '@ctr/linux'\n${text!}`
    expect(await executed(whole, 'console.log(explain(program))')).toMatch(
      /^# mount proc at \/proc\nfsopen\(/,
    )
  })

  it.each([
    ['packages/engine/README.md', /^hello\n$/],
    ['docs/moving-from-docker.md', /^$/],
  ])('of a daemon run: %s', async (document, printed) => {
    const socket = join(folder, 'docker.sock')
    const [commands] = examplesOf(document, 'sh')
    const [daemon, , ...rest] = commands!.replaceAll('/run/ctrjs/docker.sock', socket).trim().split('\n')
    mkdirSync(`${socket}.config`, { recursive: true })
    if (!existsSync(`${socket}.config/cli-plugins`)) installCompose(socket)
    writeFileSync(join(folder, 'compose.yaml'), 'services: { web: { image: nginx } }\n')
    const docker = { ...env, DOCKER_HOST: `unix://${socket}`, DOCKER_CONFIG: `${socket}.config` }
    const child = spawn('sh', ['-c', `exec ${daemon!.replace(/ &$/, '')}`], { env, stdio: 'ignore' })
    const ended = once(child, 'exit')
    try {
      while (!existsSync(socket) && child.exitCode === null) await sleep(20)
      const { stdout } = await run('sh', ['-ec', rest.join('\n')], { env: docker, cwd: folder })
      expect(stdout).toMatch(printed)
      if (rest.some((line) => line.includes('compose')))
        await run('docker', ['compose', 'down'], { env: docker, cwd: folder })
    } finally {
      child.kill('SIGTERM')
      await ended
    }
  })

  it('of an engine in a program run', async () => {
    const [program] = examplesOf('packages/engine/README.md', 'ts')
    expect(await executed(program!, 'await engine.runtime.reset()')).toBe('')
  })
})
