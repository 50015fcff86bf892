// Reading a small file of Quorate's own on a host without a process for it.

/** `q_flat FILE` sets q_text to the file's lines put together; fails where there is no such file. */
export const READ_FLAT = `
q_flat() {
  q_text=
  [ -e "$1" ] || return 1
  while IFS= read -r q_line || [ -n "$q_line" ]; do q_text=$q_text$q_line; done <"$1"
}`;
