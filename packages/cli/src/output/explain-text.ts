import type { NetworkExplanation } from '@ctr/runtime'

/** What `ctrjs network explain` prints. */
export function explainText({
  info,
  endpoints,
  peers,
  journeys,
  links,
  routes,
  sysctls,
  tables,
  others,
  warnings,
}: NetworkExplanation): string {
  const subnets = info.subnets.map(({ subnet, gateway }) => `${subnet} (gateway ${gateway})`)
  const kind = [info.driver, info.mode, info.internal ? 'internal' : undefined].filter(Boolean)
  const lines = [`Network ${info.name}: ${kind.join(', ')}, ${subnets.join(', ')}`]
  for (const { message, remedy } of warnings) lines.push(`WARNING: ${message}`, `  to do: ${remedy}`)
  for (const { title, steps } of journeys)
    lines.push('', title, ...steps.map((step, index) => `${index === 0 ? '     ' : '  -> '}${step}`))
  section(
    lines,
    'Containers',
    endpoints.map(({ id, names, address, ipv6, ifname }) =>
      [names[0] ?? id.slice(0, 12), address, ipv6?.address, ifname ?? undefined].filter(Boolean).join('  '),
    ),
  )
  section(
    lines,
    'Other hosts',
    peers.map(({ host, address, endpoints: there }) => `${address}  ${there.length} containers  (${host})`),
  )
  section(
    lines,
    'Links of the host',
    links.map(({ name, kind: type, up, mac }) =>
      [name, type ?? 'device', up ? 'up' : 'down', mac].filter(Boolean).join('  '),
    ),
  )
  section(
    lines,
    'Routes of the host',
    routes.map((route) => `${route} dev ${links[0]?.name ?? ''}`),
  )
  section(
    lines,
    'Kernel parameters',
    Object.entries(sysctls).map(([name, value]) => `${name} = ${value}`),
  )
  for (const { name, sets, chains } of tables) {
    lines.push('', `table ${name}`)
    for (const { name: set, elements } of sets) lines.push(`  ${set} = { ${elements.join(', ')} }`)
    for (const chain of chains) {
      lines.push(`  chain ${chain.name}${chain.hook === undefined ? '' : ` (${chain.hook})`}`)
      lines.push(...chain.rules.map((rule) => `    ${rule}`))
    }
  }
  for (const { name, rules } of others) section(lines, `In chain ${name}, which is not ours`, rules)
  return lines.join('\n')
}

function section(lines: string[], title: string, body: readonly string[]): void {
  if (body.length > 0) lines.push('', title, ...body.map((line) => `  ${line}`))
}
