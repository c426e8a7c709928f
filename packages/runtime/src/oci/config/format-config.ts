import type { Config } from './config.js'

/** The JSON text of a config: `parseConfig` gives the same again, integers of 64 bits included. */
export function formatConfig(config: Config): string {
  const text = JSON.stringify(config, (_, value: unknown) =>
    typeof value === 'bigint' ? `${MARK}${value}${MARK}` : value,
  )
  return text.replace(new RegExp(`"${MARK}(-?\\d+)${MARK}"`, 'g'), '$1')
}

/** No string of a config has it: it is not a character. */
const MARK = '\uffff'
