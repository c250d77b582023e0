const answer = `You asked: “PROMPT” A streamed response is sent while it is made. \
The function writes a word, the word travels, and you read it while the next one \
is being thought of. Nobody waits for the end: that is the whole trick.`;

// words yields an answer to a prompt, word by word.
export function* words(prompt) {
  for (const word of answer.replace("PROMPT", prompt).split(" ")) yield word + " ";
  yield "\n";
}
