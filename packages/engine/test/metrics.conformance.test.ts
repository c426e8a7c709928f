import { spawnSync } from 'node:child_process'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, it } from '@jest/globals'
import { describeOn, leakCheck } from '@ctr/testing'
import { image, needs, setUp } from './support/suite.js'

leakCheck()

interface Series {
  readonly labels: string
  readonly value: number
}

/** Series of a page by name. */
function seriesOf(page: string, name: string): Series[] {
  return page.split('\n').flatMap((line) => {
    const [, found, labels = '', value] = /^(\w+)(?:\{(.*)\})? (\S+)$/.exec(line) ?? []
    return found === name ? [{ labels, value: Number(value) }] : []
  })
}

describeOn([...needs, 'bin:promtool'], 'metrics of an engine', () => {
  const suite = setUp({ metricsAddress: '127.0.0.1:0' })
  const page = async (): Promise<string> => await (await fetch(suite.engine.metricsUrl!)).text()
  /** Pages are read anew at most once a second. */
  async function pageWhere(holds: (page: string) => boolean): Promise<string> {
    for (let looks = 0; looks < 600; looks++) {
      const now = await page()
      if (holds(now)) return now
      await sleep(50)
    }
    throw new Error(`it never came:\n${await page()}`)
  }

  it('are what Prometheus takes, under the names of cAdvisor and dockerd', async () => {
    await suite.ok(
      ...['run', '-d', '--name', 'seen', '-m', '64m', '--pids-limit', '50', '--health-cmd', 'false'],
      ...['--health-interval', '50ms', '-l', 'com.docker.compose.project=shop'],
      ...[image, 'sh', '-c', 'head -c 1000000 /dev/urandom | sha256sum; sleep 1000000'],
    )
    const failed = 'engine_daemon_health_checks_failed_total'
    const text = await pageWhere(
      (now) =>
        seriesOf(now, failed)[0]!.value > 0 &&
        (seriesOf(now, 'container_cpu_usage_seconds_total')[0]?.value ?? 0) > 0,
    )
    const check = spawnSync('promtool', ['check', 'metrics'], { input: text, encoding: 'utf8' })
    // it parses all, and complains of names that cAdvisor and dockerd have given
    const complaints = check.stderr
      .trim()
      .split('\n')
      .filter((line) => line !== '')
    const known = [
      'container_memory_failcnt counter metrics should have "_total" suffix',
      'engine_daemon_events_subscribers_total non-counter metrics should not have "_total" suffix',
    ]
    const theirs = complaints.filter((line) => !/^(nodejs|process)_/.test(line))
    expect(theirs.sort()).toEqual(known)
    const { id } = suite.engine.containers.get('seen')
    const labels = [
      `id="/docker/${id}",name="seen",image="${image}"`,
      'container_label_com_docker_compose_project="shop"',
      'container_label_com_docker_compose_service=""',
    ].join()
    const read = (name: string, more = ''): number | undefined =>
      seriesOf(text, name).find((one) => one.labels === `${labels}${more}`)?.value
    const { cpu, memory } = suite.engine.containers.get('seen').handle.stats()
    const used = read('container_cpu_usage_seconds_total', ',cpu="total"')!
    expect(used).toBeGreaterThan(0)
    expect(used).toBeLessThanOrEqual(cpu!.usageUsec / 1e6)
    expect(read('container_memory_usage_bytes')).toBeGreaterThan(0)
    expect(read('container_memory_max_usage_bytes')).toBeLessThanOrEqual(memory!.peak!)
    expect(read('container_spec_memory_limit_bytes')).toBe(64 * 2 ** 20)
    expect(read('container_threads_max')).toBe(50)
    expect(read('container_network_receive_bytes_total', ',interface="eth0"')).toBeGreaterThanOrEqual(0)
    expect(read('container_start_time_seconds')).toBeGreaterThan(Date.now() / 1000 - 3600)
    const running = seriesOf(text, 'engine_daemon_container_states_containers')
    expect(running).toContainEqual({ labels: 'state="running"', value: 1 })
    const started = seriesOf(text, 'engine_daemon_container_actions_seconds_count')
    expect(started).toContainEqual({ labels: 'action="start"', value: 1 })
  })

  it('leave out what does not run any more', async () => {
    await suite.ok('run', '-d', '--name', 'goes', '--network', 'none', image, 'sleep', '1000000')
    await pageWhere((now) => now.includes('name="goes"'))
    await suite.ok('pause', 'goes')
    const paused = { labels: 'state="paused"', value: 1 }
    const states = 'engine_daemon_container_states_containers'
    await pageWhere((now) =>
      seriesOf(now, states).some((one) => one.labels === paused.labels && one.value === 1),
    )
    await suite.ok('rm', '-f', 'goes')
    await pageWhere((now) => !now.includes('name="goes"'))
  })

  it('are read once for all who ask at the same time, and nothing else is served there', async () => {
    const pages = await Promise.all(Array.from({ length: 20 }, () => page()))
    expect(new Set(pages).size).toBeLessThan(20)
    const url = suite.engine.metricsUrl!
    expect((await fetch(new URL('/containers/json', url))).status).toBe(404)
    expect((await fetch(url, { method: 'POST', body: 'x' })).status).toBe(404)
  })
})
