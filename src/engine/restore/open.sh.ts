// Restores that were begun on a host: an open one says that what is down may be so on purpose.
import { quote } from '../../shell/quote.ts';
import { ENDS, RECORD, RESTORES } from './record.ts';

/** `ended RUN` for each restore that a file says the end of, `open RUN` for each other one of `cluster`; needs READ_FLAT, starts no program. */
export function listRestores(cluster: string): string {
  const ended = ENDS.map((end) => `[ -e "$q_one/${end}" ]`).join(' || ');
  return `
for q_one in ${quote(RESTORES)}/*; do
  if ${ended}; then echo "ended \${q_one##*/}"
  elif q_flat "$q_one/${RECORD}"; then
    case $q_text in *${quote(`"cluster": ${JSON.stringify(cluster)}`)}*) echo "open \${q_one##*/}" ;; esac
  fi
done`;
}
