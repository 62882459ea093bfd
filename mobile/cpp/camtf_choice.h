// From logits and mask to an action (see mobile/README.md). C++17.
#ifndef CAMTF_CHOICE_H_
#define CAMTF_CHOICE_H_

#include <cmath>
#include <limits>
#include <vector>

namespace camtf {

// The numbers of a movement and of a skill.
struct Action {
  int movement, skill;
  bool operator==(const Action& other) const { return movement == other.movement && skill == other.skill; }
};

// The largest legal logit of both heads, the first of equals. The mask begins with a number for each movement and
// skill, 0 where it is not legal.
inline Action choose(const float* movement, int movements, const float* skill, int skills, const float* mask) {
  const auto largest = [](const float* logits, const float* legal, int count) {
    int best = 0;
    float value = -std::numeric_limits<float>::infinity();
    for (int i = 0; i < count; ++i) {
      if (legal[i] > 0 && logits[i] > value) value = logits[best = i];
    }
    return best;
  };
  return {largest(movement, mask, movements), largest(skill, mask + movements, skills)};
}

// A legal action drawn from the softmax of both heads by the Gumbel-max rule, from a uniform number in (0, 1) for each
// movement and skill.
inline Action draw(const float* movement, int movements, const float* skill, int skills, const float* mask,
                   const float* uniforms) {
  std::vector<float> noisy(movement, movement + movements);
  noisy.insert(noisy.end(), skill, skill + skills);
  for (size_t i = 0; i < noisy.size(); ++i) noisy[i] -= std::log(-std::log(uniforms[i]));
  return choose(noisy.data(), movements, noisy.data() + movements, skills, mask);
}

}  // namespace camtf

#endif  // CAMTF_CHOICE_H_
