// What the page asks of the studio's server; what goes wrong is one sentence.

export class Trouble extends Error {}

async function answer(path, options) {
  let response;
  try {
    response = await fetch(path, options);
  } catch {
    throw new Trouble("The studio does not answer: is `soundvae studio` still running?");
  }
  if (response.ok) return response;
  let said;
  try {
    said = (await response.json()).error;
  } catch {
    said = null;
  }
  throw new Trouble(said ?? `The studio answered with status ${response.status}.`);
}

export const get = async (path) => (await answer(path)).json();

export const getBytes = async (path) => (await answer(path)).arrayBuffer();

export function post(path, content) {
  const headers = { "Content-Type": "application/json" };
  return answer(path, { method: "POST", headers, body: JSON.stringify(content) });
}

export const sounds = async (wish) => (await (await post("api/sounds", wish)).json()).sounds;
