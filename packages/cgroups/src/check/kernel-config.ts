import type { ConfigValue } from './host-facts.js'

/** Reads a kernel's `.config`: options by name, without `CONFIG_`. Those with numbers or texts count as built in. */
export function parseKernelConfig(text: string): ReadonlyMap<string, ConfigValue> {
  const options = new Map<string, ConfigValue>()
  for (const line of text.split('\n')) {
    const [, unset] = /^# CONFIG_(\w+) is not set$/.exec(line) ?? []
    if (unset !== undefined) options.set(unset, 'n')
    const [, name, value] = /^CONFIG_(\w+)=(.*)$/.exec(line) ?? []
    if (name !== undefined) options.set(name, value === 'm' || value === 'n' ? value : 'y')
  }
  return options
}
